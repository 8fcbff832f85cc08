"""How much a call from outside may weigh, judged before any of it is read."""

from django.http import HttpRequest


def outweighs(request: HttpRequest, most: int) -> bool:
    """Whether the body is announced as more than `most` bytes; without a length, Django reads none of it."""
    announced = request.headers.get("Content-Length", "")
    return announced.isdecimal() and int(announced) > most
