"""What a change of the contract means to those who use the API: two contracts compared, rated, and tried on recorded traffic."""
