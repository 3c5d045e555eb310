"""Diagrams of flows: as Mermaid flowcharts, and laid out as boxes and lines."""
