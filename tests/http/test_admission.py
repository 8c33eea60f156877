"""Places: of an address, of a conversion, of a download."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from converter import inline, progress
from converter.errors import BusyError
from converter.web import admission, uploads
from tests.support.links import issue
from tests.support.uploads import clip_file


@pytest.fixture
def one_each(settings, media_root):
    settings.TRUSTED_PROXIES = 1
    settings.MAX_CONVERSIONS_PER_ADDRESS = 1


def request_from(address: str):
    return RequestFactory().post("/convert/", headers={"X-Forwarded-For": address})


def is_admitted(address: str = "203.0.113.7") -> bool:
    try:
        with admission.one_per_address(request_from(address)):
            return True
    except BusyError:
        return False


def test_the_slot_of_a_killed_process_is_free_soon(one_each, monkeypatch):
    monkeypatch.setattr(admission, "SLOT_TTL_S", 0.3)
    # As after kill -9, the place is not renewed: the first renewal would come after RENEW_S.
    with admission.one_per_address(request_from("203.0.113.7")):
        assert not is_admitted()
        time.sleep(0.4)
        assert is_admitted()


def test_a_long_upload_keeps_its_place(one_each, monkeypatch):
    monkeypatch.setattr(admission, "SLOT_TTL_S", 0.3)
    monkeypatch.setattr(admission, "RENEW_S", 0.05)
    with admission.one_per_address(request_from("203.0.113.7")):
        until = time.monotonic() + 1
        while time.monotonic() < until:
            assert not is_admitted()
            time.sleep(0.02)
    assert is_admitted()


def test_of_many_requests_one_takes_the_slot_of_a_job_that_has_ended(one_each):
    job_id = "0b1f3c52-2c5b-4f5e-9e57-3c1fb3c1a9d0"
    requests = 8
    for round_ in range(20):
        address = f"203.0.113.{round_}"
        progress.enqueue(f"{job_id}-{round_}")
        request = request_from(address)
        with admission.one_per_address(request):
            admission.transfer_slot_to_job(request, f"{job_id}-{round_}")
        assert not is_admitted(address)
        progress.forget(f"{job_id}-{round_}")
        together, done = threading.Barrier(requests), threading.Event()

        def enter(address=address, together=together, done=done) -> bool:
            together.wait()
            try:
                with admission.one_per_address(request_from(address)):
                    done.wait(20)
                    return True
            except BusyError:
                return False

        with ThreadPoolExecutor(requests) as pool:
            entering = [pool.submit(enter) for _ in range(requests)]
            until = time.monotonic() + 20
            while sum(one.done() for one in entering) < requests - 1:
                assert time.monotonic() < until
                time.sleep(0.005)
            done.set()
        assert sum(one.result() for one in entering) == 1


def test_an_upload_that_is_complete_second_is_told_busy(client, converted, monkeypatch):
    """Both were admitted while nothing was converted."""
    receive = uploads.receive

    def receive_while_another_begins(request, **options):
        receive(request, **options)
        stack.enter_context(inline.conversions.occupy())

    monkeypatch.setattr(uploads, "receive", receive_while_another_begins)
    with contextlib.ExitStack() as stack:
        response = client.post("/convert/", {"video": clip_file()})
    assert (response.status_code, response.json()["code"]) == (503, "busy")
    assert converted == []


def test_a_download_without_a_free_place_gets_busy(client, media_root):
    url = issue()
    with contextlib.ExitStack() as stack:
        while not admission.transfer_slots.is_full:
            stack.enter_context(admission.transfer_slots.occupy())
        response = client.get(url)
    assert (response.status_code, response.json()["code"]) == (503, "busy")
    assert "video" not in response.json()["error"]
    assert int(response.headers["Retry-After"]) > 0
    assert client.head(url).status_code == 200


def test_a_sweep_that_fails_does_not_refuse_an_upload(client, converted, monkeypatch):
    def fail(cache):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("chrome_background_converter.cache.SweptFileCache.purge_expired", fail)
    cache.clear()  # so that the sweep is due
    assert client.post("/convert/", {"video": clip_file()}).status_code == 200
