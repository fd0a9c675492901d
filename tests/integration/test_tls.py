"""TLS towards clients and towards SMSCs, against Python's ssl, the openssl command and two SMPP libraries."""
import re
import socket
import ssl
import subprocess

import pytest

from harness import smpp, tls
from harness.gateway import config, impatient, mock
from harness.peer import Client, Server
from harness.process import BINARIES, ROOT, Program, Smppd, Smppsim, free_port, wait_until

HANDSHAKES, FAILURES = "smppd_downstream_tls_handshakes_total", "smppd_downstream_tls_failures_total"
LINK_HANDSHAKES, LINK_FAILURES = "smppd_upstream_tls_handshakes_total", "smppd_upstream_tls_failures_total"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    made = tls.Authority(tmp_path_factory.mktemp("tls") / "authority")
    made.server = made.issue("server")
    made.client = made.issue("client")
    made.expired = made.issue("expired", days=(-3, -1))
    made.elsewhere = made.issue("elsewhere", names="DNS:elsewhere.test")
    return made


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """Another authority, whom nobody here trusts."""
    made = tls.Authority(tmp_path_factory.mktemp("tls") / "stranger")
    made.server = made.issue("server")
    made.client = made.issue("client")
    return made


def section(pair, **more):
    return {"cert": str(pair[0]), "key": str(pair[1]), **more}


def behind(carrier, authority, **more):
    """An upstream that connects to a carrier with TLS; more are keys of its tls section."""
    return impatient("carrier", carrier.port, tls={"ca": str(authority.ca), **more})


@pytest.fixture
def secure(gateway, authority):
    """secure(upstream, ...): smppd whose listener speaks TLS; `tls` are more keys of that section."""

    def start(*upstreams, listener=None, **sections):
        more = sections.pop("tls", {})
        return gateway(*(upstreams or [mock()]), listener={"tls": section(authority.server, **more), **(listener or {})},
                       **sections)

    return start


@pytest.fixture
def hello(authority):
    """hello(smppd): a client that has shaken hands."""
    return lambda smppd, **more: tls.connect(smppd.port, tls.client_context(authority.ca, **more))


@pytest.fixture
def tls_carrier(authority):
    started = []

    def start(context=None):
        started.append(tls.TlsCarrier(context or tls.server_context(authority.server)))
        return started[-1]

    yield start
    for carrier in started:
        carrier.close()


def test_a_message_and_its_receipt_go_through_tls_on_both_sides(secure, tls_carrier, authority, hello, shards):
    carrier = tls_carrier()
    smppd = secure(behind(carrier, authority), shards=shards)
    with hello(smppd) as client:
        client.bind()
        assert client.request(smpp.submit_sm(registered_delivery=1)).status == smpp.ROK
        receipt = client.receive_command(smpp.DELIVER_SM)
        client.send(receipt.response(body=b"\0"))
        assert b"stat:DELIVRD" in receipt.fields()["short_message"]
        assert smppd.metric(HANDSHAKES) == 1
        assert smppd.metric("smppd_downstream_tls_connections", listener="smpp") == 1
        assert smppd.metric(LINK_HANDSHAKES) == 1
        assert smppd.metric("smppd_upstream_tls_links", upstream="carrier") == 1
        assert smppd.metric(FAILURES) == smppd.metric(LINK_FAILURES) == 0
    smppd.wait_for_line(r"session bound.*tls=TLSv1\.3 cipher=TLS_AES_256_GCM_SHA384")
    smppd.wait_for_line(r"link bound.*tls=TLSv1\.3 cipher=TLS_AES_256_GCM_SHA384")
    wait_until(lambda: smppd.metric("smppd_downstream_tls_connections") == 0, "no encrypted connection")


@pytest.mark.parametrize("octets", [
    smpp.bind().encode(), b"GET / HTTP/1.1\r\nHost: smpp\r\n\r\n", b"SSH-2.0-OpenSSH_9.2p1\r\n", b"\xff" * 6000,
], ids=["plain SMPP", "HTTP", "SSH", "ones"])
def test_row_25_what_is_not_tls_is_closed_and_counted(secure, hello, octets):
    smppd = secure()
    with hello(smppd) as other:
        other.bind()
        plain = socket.create_connection(("127.0.0.1", smppd.port), timeout=5)
        plain.sendall(octets)
        answer = b""
        try:
            while more := plain.recv(1000):
                answer += more
        except ConnectionResetError:
            pass
        plain.close()
        assert len(answer) <= 7  # nothing, or an alert
        assert smppd.metric(FAILURES, reason="not_tls") == 1
        assert other.request(smpp.submit_sm()).status == smpp.ROK


def test_row_25_tls_on_a_plain_port_is_closed_and_counted(gateway, authority):
    smppd = gateway(mock())
    with pytest.raises((ssl.SSLError, OSError)):
        tls.connect(smppd.port, tls.client_context(authority.ca))
    assert smppd.metric("smppd_downstream_framing_lost_total") == 1


def test_row_28_a_stalled_handshake_is_closed_by_the_bind_timeout_and_holds_up_nobody(secure, hello):
    smppd = secure(listener={"timeouts": {"bind": "1s"}})
    silent = [socket.create_connection(("127.0.0.1", smppd.port), timeout=10) for _ in range(50)]
    half = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(*half, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    beginning = half[1].read(60)
    for one in silent[::2]:
        one.sendall(beginning)
    with hello(smppd) as quick:
        quick.bind()
        for one in silent:
            assert one.recv(1) == b""
            one.close()
        assert smppd.metric(FAILURES, reason="timeout") == 50
        assert quick.request(smpp.submit_sm()).status == smpp.ROK


def test_a_client_that_goes_in_the_handshake_is_counted(secure):
    smppd = secure()
    for _ in range(3):
        gone = socket.create_connection(("127.0.0.1", smppd.port), timeout=5)
        gone.sendall(b"\x16\x03\x01\x02\x00")
        gone.close()
    wait_until(lambda: smppd.metric(FAILURES, reason="closed") == 3, "three that went away")


def test_a_client_must_show_a_certificate_that_the_listener_trusts(secure, authority, stranger, hello):
    smppd = secure(tls={"client_auth": "require", "ca": str(authority.ca)})
    with hello(smppd, pair=authority.client) as client:
        client.bind()
    for refused in (None, stranger.client, authority.expired):
        with pytest.raises((ssl.SSLError, smpp.Closed, ConnectionResetError)):
            with hello(smppd, pair=refused) as client:  # with TLS 1.3 the refusal comes after the client's part
                client.request(smpp.bind())
    assert smppd.metric(FAILURES, reason="certificate") == 3
    smppd.wait_for_line(r"TLS failed, closing.*fault=certificate.*the peer sent no certificate")
    assert smppd.metric(HANDSHAKES) == 1


def test_a_client_that_does_not_trust_the_listener_is_counted(secure, stranger):
    smppd = secure()
    with pytest.raises(ssl.SSLCertVerificationError):
        tls.connect(smppd.port, tls.client_context(stranger.ca))
    wait_until(lambda: smppd.metric(FAILURES, reason="refused") == 1, "a refusal")


def test_old_versions_are_taken_or_refused_as_configured(secure, hello):
    smppd = secure()
    with hello(smppd, newest=ssl.TLSVersion.TLSv1_2) as old:
        old.bind()
        assert old.socket.version() == "TLSv1.2"
    strict = secure(tls={"min_version": "1.3"})
    with pytest.raises(ssl.SSLError):
        hello(strict, newest=ssl.TLSVersion.TLSv1_2)
    wait_until(lambda: strict.metric(FAILURES, reason="protocol") == 1, "no common version")


@pytest.mark.parametrize("problem, said", [
    ("stranger", r"link is down.*TLS: the peer's certificate is not accepted: self-signed certificate in certificate"
                 r"|link is down.*TLS: the peer's certificate is not accepted: unable to get local issuer"),
    ("expired", r"link is down.*certificate is not accepted: certificate has expired"),
    ("elsewhere", r"link is down.*certificate is not accepted: hostname mismatch"
                  r"|link is down.*certificate is not accepted: IP address mismatch"),
])
def test_a_link_stays_down_until_the_smscs_certificate_is_good(gateway, tls_carrier, authority, stranger, problem, said):
    bad = stranger.server if problem == "stranger" else getattr(authority, problem)
    carrier = tls_carrier(tls.server_context(bad))
    smppd = gateway(behind(carrier, authority), bound=False)
    smppd.wait_for_line(said)
    assert smppd.metric(LINK_FAILURES, reason="certificate") >= 1
    assert not carrier.binds
    carrier.context = tls.server_context(authority.server)
    carrier.link()
    smppd.wait_for_line("link bound")


def test_the_configured_name_and_skip_verify_decide_what_is_good(gateway, tls_carrier, authority, stranger):
    other = tls_carrier(tls.server_context(authority.elsewhere))
    gateway(behind(other, authority, server_name="elsewhere.test"))
    anybody = tls_carrier(tls.server_context(stranger.server))
    gateway(behind(anybody, authority, skip_verify=True))


def test_an_smsc_that_asks_for_our_certificate_gets_it(gateway, tls_carrier, authority):
    carrier = tls_carrier(tls.server_context(authority.server, ca=authority.ca))
    gateway(behind(carrier, authority, **section(authority.client)))
    assert carrier.link().socket.getpeercert()["subject"] == ((("commonName", "client"),),)
    smppd = gateway(behind(carrier, authority), bound=False)
    smppd.wait_for_line(r"link is down.*TLS: .*certificate required")
    assert smppd.metric(LINK_FAILURES, reason="refused") >= 1


def test_an_smsc_without_tls_is_told_apart(gateway, authority):
    with socket.create_server(("127.0.0.1", 0)) as plain:
        smppd = gateway(impatient("carrier", plain.getsockname()[1], tls={"ca": str(authority.ca)}), bound=False)
        link, _ = plain.accept()
        link.sendall(smpp.Pdu(smpp.GENERIC_NACK, b"", smpp.RINVCMDLEN, 1).encode())
        smppd.wait_for_line("link is down.*TLS: the peer does not speak TLS")
        assert smppd.metric(LINK_FAILURES, reason="not_tls") == 1
        link.close()


def test_an_smsc_that_stalls_in_the_handshake_is_left_at_the_connect_timeout(gateway, authority):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stalled = impatient("carrier", silent.getsockname()[1], tls={"ca": str(authority.ca)})
        smppd = gateway(stalled, bound=False)
        smppd.wait_for_line("no end of the TLS handshake within the connect timeout")
        assert smppd.metric(LINK_FAILURES, reason="timeout") >= 1


def test_a_reload_takes_new_certificates_for_new_connections_only(secure, tmp_path, tls_carrier, authority, stranger):
    ours = tmp_path / "our.crt", tmp_path / "our.key"
    trust = tmp_path / "carrier-ca.crt"

    def put(made):
        for source, target in zip((*made.server, made.ca), (*ours, trust)):
            target.write_bytes(source.read_bytes())

    put(authority)
    carrier = tls_carrier()
    files = dict(cert=str(ours[0]), key=str(ours[1]))
    smppd = secure(behind(carrier, authority, ca=str(trust)), tls=files)
    old = tls.connect(smppd.port, tls.client_context(authority.ca))
    old.bind()
    link = carrier.link()

    put(stranger)
    smppd.reload(smppd.config)
    smppd.wait_for_line("reloaded")
    with tls.connect(smppd.port, tls.client_context(stranger.ca)) as new:
        new.bind()
        with pytest.raises(ssl.SSLCertVerificationError):
            tls.connect(smppd.port, tls.client_context(authority.ca))
        assert old.request(smpp.submit_sm()).status == smpp.ROK
        assert len(carrier.links) == 1
        # The next connection to the SMSC trusts the new authority only.
        carrier.context = tls.server_context(stranger.server)
        link.close()
        wait_until(lambda: smppd.output.count("link bound") == 2, "a second link")

        ours[1].write_text("no key")
        status, answer = smppd.get("/config/reload", "POST")
        assert status != 200 and "no private key" in answer
        assert old.request(smpp.submit_sm()).status == smpp.ROK
        with tls.connect(smppd.port, tls.client_context(stranger.ca)) as third:
            third.bind()

        # Other names in the configuration are a matter of new connections, too.
        smppd.config["listeners"][0]["tls"] = section(authority.server)
        smppd.config["upstreams"][0]["tls"] = {"ca": str(stranger.ca)}
        smppd.reload(smppd.config)
        wait_until(lambda: smppd.output.count("reloaded") == 2, "a second reload")
        with tls.connect(smppd.port, tls.client_context(authority.ca)) as fourth:
            fourth.bind()
        assert old.request(smpp.submit_sm()).status == smpp.ROK
        assert len(carrier.links) == 2
    old.close()


def test_turning_tls_on_ends_plain_sessions(gateway, authority):
    smppd = gateway(mock())
    plain = smppd.bind()
    smppd.config["listeners"][0]["tls"] = section(authority.server)
    smppd.reload(smppd.config)
    assert plain.receive().command == smpp.UNBIND
    with tls.connect(smppd.port, tls.client_context(authority.ca)) as client:
        client.bind()


def test_both_ends_say_close_notify_and_bear_its_absence(secure, hello):
    smppd = secure()
    client = hello(smppd)
    client.bind()
    assert client.request(smpp.Pdu(smpp.UNBIND)).status == smpp.ROK
    assert client.wait_closed() == []  # ssl raises an error when close_notify is missing
    rude = hello(smppd)
    rude.bind()
    rude.close()  # Python says nothing
    wait_until(lambda: smppd.metric("smppd_downstream_tls_connections") == 0, "both gone")
    assert smppd.metric(FAILURES) == 0


def test_openssl_s_client_binds(secure, authority):
    smppd = secure()
    client = subprocess.Popen(
        ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", str(authority.ca), "-verify_hostname",
         "localhost", "-connect", f"127.0.0.1:{smppd.port}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    bind = smpp.bind()
    bind.sequence = 77
    client.stdin.write(bind.encode())
    client.stdin.flush()
    answer = client.stdout.read(16)
    client.kill()
    client.wait()
    assert answer[4:] == (smpp.BIND_TRANSCEIVER | 1 << 31).to_bytes(4, "big") + bytes(4) + (77).to_bytes(4, "big")


def test_a_link_binds_to_openssl_s_server(gateway, authority):
    port = free_port()
    server = subprocess.Popen(
        ["openssl", "s_server", "-quiet", "-naccept", "1", "-cert", str(authority.server[0]), "-key",
         str(authority.server[1]), "-accept", f"127.0.0.1:{port}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    smppd = gateway(impatient("carrier", port, tls={"ca": str(authority.ca)}), bound=False)
    header = server.stdout.read(16)
    answer = smpp.Pdu(smpp.BIND_TRANSCEIVER | 1 << 31, b"s_server\0", 0, int.from_bytes(header[12:], "big"))
    server.stdin.write(answer.encode())
    server.stdin.flush()
    smppd.wait_for_line("link bound.*tls=TLSv1.3")
    server.kill()
    server.wait()


@pytest.mark.parametrize("library", ["node-smpp", "smpplib"])
def test_client_libraries_speak_tls(start, secure, authority, library):
    smppd = secure()
    client = start(Client(library, smppd.port, env={"PEER_TLS_CA": str(authority.ca)}))
    assert client.bind()["status"] == smpp.ROK
    answer = client.call("submit", source="1000", destination="258841234567", text="hello", encoding="gsm")
    assert answer["status"] == smpp.ROK
    assert client.call("unbind")["status"] == smpp.ROK
    client.finish()
    assert smppd.metric(HANDSHAKES) == 1


def test_node_smpp_is_an_smsc_behind_tls(start, gateway, authority):
    files = {"PEER_TLS_CERT": str(authority.server[0]), "PEER_TLS_KEY": str(authority.server[1])}
    server = start(Server("node-smpp", env=files))
    smppd = gateway(behind(server, authority))
    client = smppd.bind()
    assert client.request(smpp.submit_sm(registered_delivery=1)).status == smpp.ROK
    assert b"stat:DELIVRD" in client.receive_command(smpp.DELIVER_SM).fields()["short_message"]


def run_load(port, authority, *arguments):
    return subprocess.run(
        [BINARIES / "smppload", "--connect", f"127.0.0.1:{port}", "--system-id", "client", "--password", "secret",
         "--tls", "--tls-ca", authority.ca, *arguments], capture_output=True, text=True, timeout=120)


def test_the_tools_speak_tls_and_nothing_is_lost(start, secure, tmp_path, authority, shards):
    carrier = start(Smppsim(tmp_path, "--tls-cert", authority.server[0], "--tls-key", authority.server[1],
                            "--receipts", "on"))
    smppd = secure(behind(carrier, authority), shards=shards)
    done = run_load(smppd.port, authority, "--sessions", "10", "--messages", "20000", "--registered", "--size", "160")
    assert done.returncode == 0, done.stdout + done.stderr
    assert smppd.metric(HANDSHAKES) == 10


def test_smppload_says_why_tls_failed(secure, stranger):
    smppd = secure()
    done = run_load(smppd.port, stranger, "--messages", "1")
    assert done.returncode == 3
    assert "smppload: TLS failed: the peer's certificate is not accepted" in done.stderr


def test_cut_connections_under_load_harm_nobody(start, secure, tmp_path, authority, hello):
    """Clients that break off in the middle of records, again and again, beside one that must not notice."""
    carrier = start(Smppsim(tmp_path, "--tls-cert", authority.server[0], "--tls-key", authority.server[1]))
    smppd = secure(behind(carrier, authority))
    with hello(smppd) as steady:
        steady.bind()
        for number in range(40):
            client = hello(smppd)
            client.bind("tx")
            for _ in range(50):
                client.send(smpp.submit_sm(short_message=b"x" * 140))
            raw = socket.socket(fileno=client.socket.detach())
            raw.sendall(b"\x17\x03\x03\x01\x00" + bytes(number))  # the beginning of a record
            if number % 2:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            raw.close()
            assert steady.request(smpp.submit_sm()).status == smpp.ROK
        wait_until(lambda: smppd.metric("smppd_downstream_tls_connections") == 1, "the steady one is left")


def test_broken_files_are_all_named_when_smppd_starts(tmp_path, authority, stranger):
    whole = config(mock(), listener={"tls": {
        "cert": str(authority.server[0]), "key": str(stranger.server[1]), "client_auth": "require"}})
    smppd = Smppd(tmp_path, whole)
    assert smppd.wait_exit() != 0
    assert re.search(r"smppd\S*:\d+:\d+: error: listeners\[0\]\.tls\.key: .*server\.key does not fit the certificate",
                     smppd.output), smppd.output
    assert "error: listeners[0].tls.ca: is missing" in smppd.output


def test_an_encrypted_key_is_opened_with_its_password(gateway, tmp_path, authority):
    pair = authority.issue("locked", password="open sesame")
    (tmp_path / "password").write_text("open sesame\n")
    smppd = gateway(mock(), listener={"tls": section(pair, key_password=f"${{file:{tmp_path}/password}}")})
    with tls.connect(smppd.port, tls.client_context(authority.ca)) as client:
        client.bind()
    assert "sesame" not in smppd.output + smppd.get("/config")[1]


def test_the_sample_of_the_documentation_works(start, tmp_path, authority, tls_carrier):
    folder = tmp_path / "certificates"
    folder.mkdir()
    for source, name in [(authority.server[0], "smppd.crt"), (authority.server[1], "smppd.key"),
                         (authority.ca, "clients-ca.crt"), (authority.ca, "carrier-ca.crt")]:
        (folder / name).write_bytes(source.read_bytes())
    carrier = tls_carrier()
    port = free_port()
    smppd = start(Program([BINARIES / "smppd", "--config", ROOT / "configs/tls.yaml"], env={
        "CERTIFICATES": str(folder), "SMPP_TLS_PORT": str(port), "SMSC_PORT": str(carrier.port),
        "MANAGEMENT_PORT": str(free_port()), "CARRIER_USER": "a", "CARRIER_PASSWORD": "b", "ACME_PASSWORD": "c"}))
    smppd.wait_listening(port)
    smppd.wait_for_line("link bound")
    with tls.connect(port, tls.client_context(authority.ca, pair=authority.client)) as client:
        client.bind(system_id="acme", password="c")
        assert client.request(smpp.submit_sm()).status == smpp.ROK
