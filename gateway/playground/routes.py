"""The playground's files over HTTP, with strong validators and no way out of their folder."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Response

from gateway.playground.site import PlaygroundSite


def playground_routes(site: PlaygroundSite) -> APIRouter:
    """``/playground/{name}`` for the files that the page asks for."""
    routes = APIRouter()

    @routes.get("/playground/{name}")
    async def file(name: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
        found = site.file(name)
        if found is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        headers = {
            "etag": found.etag,
            "cache-control": "no-cache",
            "x-content-type-options": "nosniff",
        }
        if if_none_match == found.etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(found.content, media_type=found.content_type, headers=headers)

    return routes
