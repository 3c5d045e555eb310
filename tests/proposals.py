"""An operation that somebody proposes: described in the contract, without a handler."""

from tests.contract_files import replaced

PATH = """\
  /flows/instances/{slug}/rating/:
    parameters:
      - $ref: '#/components/parameters/FlowSlug'
    get:
      operationId: flows_instances_rating_retrieve
      summary: How people like a flow
      description: What people think of a flow.
      tags: [flows]
      security:
        - authentik: []
      x-required-permissions: [authentik_flows.view_flow]
      parameters:
        - name: least
          in: query
          description: The least number of stars that is asked for.
          schema:
            type: integer
      responses:
        '200':
          description: The stars.
          content:
            application/json:
              schema:
                type: object
                properties:
                  stars:
                    type: integer
                required: [stars]
              examples:
                usual: {value: {stars: 4}}
                best: {value: {stars: 5}}
        '400':
          $ref: '#/components/responses/InvalidParameters'
        '403':
          $ref: '#/components/responses/Forbidden'
        '404':
          $ref: '#/components/responses/NotFound'
        '405':
          $ref: '#/components/responses/MethodNotAllowed'
        '406':
          $ref: '#/components/responses/NotAcceptable'
        '503':
          $ref: '#/components/responses/ServiceUnavailable'
"""


def with_proposal(contract):
    """Add the operation to a contract. :returns: the contract's path"""
    replaced(contract, "\npaths:\n", f"\npaths:\n{PATH}")
    return contract
