"""Which libraries take part, and in which role. Go and JVM peers run where `scripts/test --all` installed them."""
import pytest

CLIENTS = [
    "node-smpp",
    "net-smpp",
    "smpplib",
    pytest.param("gosmpp", marks=pytest.mark.go),
    pytest.param("jsmpp", marks=pytest.mark.jvm),
    pytest.param("cloudhopper", marks=pytest.mark.jvm),
]
SERVERS = [
    "node-smpp",
    "net-smpp",
    pytest.param("jsmpp", marks=pytest.mark.jvm),
    pytest.param("cloudhopper", marks=pytest.mark.jvm),
]


@pytest.fixture(params=CLIENTS)
def client_library(request):
    return request.param


@pytest.fixture(params=SERVERS)
def server_library(request):
    return request.param
