"""Every name that a span, an event of a span or an attribute may have.

The rule: a value is a number, a word of a closed list, or the name of an operation; never an id of
somebody's row, a token, a header, a variable or a text of an error. docs/observability.md is this
module as a page; a test holds the two equal.
"""

from collections.abc import Mapping
from typing import Final

SPANS: Final[Mapping[str, str]] = {
    "query": "A request that was a query, from its last byte to its answer; a server's span.",
    "mutation": "Likewise a mutation.",
    "subscription": "Likewise a subscription.",
    "request": "Likewise a request of which that cannot be told: it was refused, or its client "
    "left before it was read.",
    "wait for projection": "From when a demanded version was missing to the end of the wait.",
    "store read": "One cut of the projection, read where it was not at hand.",
    "write": "A field of a mutation, from its input to its owner's answer.",
    "call": "A call to a service with all its attempts, waits and refusals.",
    "attempt": "One request on the wire; a client's span, which the service is told as its parent.",
    "join": "A row that another reader's call brought; the call is among that reader's spans.",
}

EVENTS: Final[Mapping[str, str]] = {
    "queued": "The call waits for a place on the wire.",
    "retried": "An attempt failed, and another one will be made.",
    "hedged": "An attempt was late, and a second one is made beside it.",
    "probed": "The circuit is half-open; this attempt decides whether it closes.",
    "refused": "The circuit was open, or there was no place: no attempt was made.",
    "kept": "Rows that an answer kept in memory told, without a call.",
    "guessed": "Rows asked for ahead.",
}

ATTRIBUTES: Final[Mapping[str, str]] = {
    "graphql.operation.type": "`query`, `mutation` or `subscription`.",
    "graphql.operation.name": "The name that the document gives it, 64 characters of it at most.",
    "http.request.method": "Of the request, or of the attempt.",
    "http.response.status_code": "Of the answer.",
    "http.response.body.size": "Bytes of the answer.",
    "http.route": "`/graphql`.",
    "url.path": "`/graphql`.",
    "url.scheme": "`http`: as the gateway is spoken to, whatever stands before it.",
    "error.type": "An error code of ours on a request; on calls and attempts what failed.",
    "bff.request_id": "The id in `X-Request-Id`, in the log line and in errors.",
    "bff.way": "How it was answered, as in the metrics.",
    "bff.outcome": "What came of it, as in the metrics.",
    "bff.error_codes": "All codes that the client was told.",
    "bff.waited_ms": "Milliseconds waited for the projection.",
    "bff.attempts": "Attempts made for this request, or for this call.",
    "bff.left": "True if the client left before the answer.",
    "bff.notes_omitted": "Steps that are not told: there were too many.",
    "bff.service": "`orders`, `customers` or `products`.",
    "bff.call_kind": "As in the metrics.",
    "bff.field": "The field of a mutation.",
    "bff.attempt": "1 for the first of its call; more for what was sent again.",
    "bff.hedge": "True for a second attempt beside a late one.",
    "bff.called_off": "True if nobody wanted the answer any more when it ended.",
}
