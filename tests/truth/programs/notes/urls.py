# SPDX-License-Identifier: MIT
"""Views that answer, fail, find nothing, and one in a coroutine."""
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from notes.models import Note


def show(request, title):
    """One note."""
    return JsonResponse({"title": get_object_or_404(Note, title=title).title})


def fails(request):
    """No answer."""
    raise ValueError("fails")


async def later(request):
    """In a loop of its own."""
    return HttpResponse("later")


urlpatterns = [path("note/<str:title>/", show), path("fails/", fails), path("later/", later)]
