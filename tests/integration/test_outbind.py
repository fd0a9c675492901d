"""outbind both ways (SMPP 3.4 §2.2.1, §4.1.7): an SMSC calls smppd, smppd calls a client."""
import socket
import time

import pytest

from harness import smpp
from harness.carrier import Carrier
from harness.gateway import to
from harness.process import Smppsim, free_port, is_listening, wait_until

MO_ROUTES = [{"name": "all", "client": "client"}]


def door(port, **more):
    return {"address": f"127.0.0.1:{port}", "system_id": "raw-smsc", "password": "door", **more}


def waiting(name="carrier", port=None, **more):
    """An upstream whose SMSC calls."""
    return {
        "name": name,
        "outbind": door(port or free_port(), **more.pop("outbind", {})),
        "bind": {"system_id": "esme", "password": "secret"},
        **more,
    }


def port_of_door(smppd, upstream=0):
    return int(smppd.config["upstreams"][upstream]["outbind"]["address"].rsplit(":", 1)[1])


@pytest.fixture
def door_open(gateway):
    def start(*upstreams, **sections):
        smppd = gateway(*upstreams, bound=False, mo_routes=MO_ROUTES, **sections)
        wait_until(lambda: is_listening(port_of_door(smppd)), "the door listens")
        return smppd

    return start


def mo_reaches(session, carrier, link):
    sent = carrier.send(link, smpp.deliver_sm(source="258841234567", destination="1000"))
    got = session.receive_command(smpp.DELIVER_SM)
    session.send(got.response(0, b"\0"))
    assert carrier.response_to_sent(sent, link).status == smpp.ROK
    assert got.fields()["short_message"] == b"hello"


def links(smppd, state, upstream="carrier"):
    return smppd.metric("smppd_upstream_links", upstream=upstream, state=state)


def turned_away(port, source="127.0.0.1"):
    try:
        assert smpp.Connection.to(port, source=source).wait_closed() == []
    except ConnectionResetError:
        pass


# --- an SMSC calls us


def test_an_smsc_that_calls_is_bound_as_receiver_and_its_messages_reach_the_client(door_open, carrier, shards):
    smppd = door_open(waiting(), shards=shards)
    session = smppd.bind()
    link = carrier.call(port_of_door(smppd))
    request = carrier.binds[-1]
    assert request.command == smpp.BIND_RECEIVER
    assert (request.fields()["system_id"], request.fields()["password"]) == ("esme", "secret")
    mo_reaches(session, carrier, link)
    assert links(smppd, "bound") == 1
    assert smppd.metric("smppd_upstream_outbinds_total", upstream="carrier") == 1
    # When the call has ended the place is free for the next one.
    link.close()
    wait_until(lambda: links(smppd, "bound") == 0, "the link is gone")
    mo_reaches(session, carrier, carrier.call(port_of_door(smppd)))


def test_with_type_transceiver_the_call_carries_messages_too(door_open, carrier, shards):
    smppd = door_open(waiting(outbind={"type": "transceiver"}), shards=shards)
    carrier.call(port_of_door(smppd))
    assert carrier.binds[-1].command == smpp.BIND_TRANSCEIVER
    wait_until(lambda: smppd.get("/readyz")[0] == 200, "ready")
    session = smppd.bind()
    answer = session.request(smpp.submit_sm(registered_delivery=1))
    assert answer.status == smpp.ROK
    receipt = session.receive_command(smpp.DELIVER_SM)
    session.send(receipt.response(0, b"\0"))
    assert receipt.fields()["tlvs"][smpp.TLV_RECEIPTED_MESSAGE_ID] == answer.body


def test_receipts_over_a_call_find_messages_sent_over_the_dialled_link(door_open, carrier, shards):
    """The usual use: we dial to send, the SMSC calls to deliver. Receipts are the group's, interop row 6."""
    upstream = to(carrier, outbind=door(free_port()))
    upstream["bind"]["type"] = "transmitter"
    smppd = door_open(upstream, shards=shards)
    session = smppd.bind()
    carrier.receipts = False
    answer = session.request(smpp.submit_sm(registered_delivery=1))
    assert answer.status == smpp.ROK
    link = carrier.call(port_of_door(smppd))
    carrier.send_receipt(carrier.wait_received(1)[0], link=link)
    assert session.receive_command(smpp.DELIVER_SM).fields()["tlvs"][smpp.TLV_RECEIPTED_MESSAGE_ID] == answer.body


@pytest.mark.parametrize("wrong", [{"system_id": "other"}, {"password": "wrong"}, {"password": ""}, {"password": "doors"}])
def test_a_caller_that_does_not_know_the_secret_is_closed_without_an_octet(door_open, carrier, wrong):
    smppd = door_open(waiting())
    caller = smpp.Connection.to(port_of_door(smppd))
    caller.send(smpp.outbind(**wrong))
    assert caller.wait_closed() == []
    assert smppd.metric("smppd_upstream_outbinds_refused_total", upstream="carrier") == 1
    smppd.wait_for_line("an outbind is refused.*wrong system_id or password")
    carrier.call(port_of_door(smppd))


def test_only_allowed_addresses_and_so_many_calls_get_in(door_open, carrier):
    smppd = door_open(waiting(outbind={"allowed_ips": ["127.0.0.1"], "max_connections": 1}))
    port = port_of_door(smppd)
    turned_away(port, source="127.0.0.2")
    carrier.call(port)
    turned_away(port)
    assert smppd.metric("smppd_upstream_outbinds_refused_total", upstream="carrier") == 2
    smppd.wait_for_line("an outbind is refused.*allowed_ips")
    smppd.wait_for_line("an outbind is refused.*max_connections")


def test_a_caller_that_says_nothing_or_nonsense_gives_its_place_back(door_open, carrier):
    smppd = door_open(waiting(outbind={"max_connections": 1}, timeouts={"bind": "300ms"}))
    port = port_of_door(smppd)
    silent = smpp.Connection.to(port)
    assert silent.wait_closed() == []
    loud = smpp.Connection.to(port)
    loud.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
    loud.wait_closed()
    early = smpp.Connection.to(port)
    assert early.request(smpp.deliver_sm()).status == smpp.RINVBNDSTS
    early.wait_closed()
    carrier.call(port)


def test_an_smsc_that_calls_and_then_refuses_the_bind_may_call_again(door_open, carrier):
    smppd = door_open(waiting(outbind={"max_connections": 1}))
    carrier.bind_status = smpp.RINVPASWD
    carrier.call(port_of_door(smppd))
    wait_until(lambda: links(smppd, "idle") == 1, "the place is free")
    carrier.bind_status = smpp.ROK
    carrier.call(port_of_door(smppd))
    wait_until(lambda: links(smppd, "bound") == 1, "bound")


def test_the_door_stays_over_a_reload_and_closes_with_its_upstream(door_open, carrier, shards):
    smppd = door_open(waiting(), shards=shards)
    session = smppd.bind()
    port = port_of_door(smppd)
    link = carrier.call(port)
    smppd.reload({**smppd.config, "logging": {**smppd.config["logging"], "level": "info"}})
    smppd.wait_for_line("reloaded")
    mo_reaches(session, carrier, link)
    changed = dict(smppd.config, upstreams=[waiting(port=port, outbind={"password": "other"})])
    smppd.reload(changed)
    wait_until(lambda: links(smppd, "bound") == 0, "the call has ended")
    with pytest.raises((smpp.Closed, OSError)):
        carrier.call(port)
    wait_until(lambda: smppd.metric("smppd_upstream_outbinds_refused_total") >= 1, "the old password is refused")
    carrier.call(port, password="other")
    other = Carrier()
    smppd.reload(dict(changed, upstreams=[to(other)]))
    other.link()
    wait_until(lambda: not is_listening(port), "the door is closed")
    other.close()


def test_a_door_that_cannot_open_stops_the_start_with_one_message(start, tmp_path):
    from harness.gateway import config
    from harness.process import Smppd

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        smppd = start(Smppd(tmp_path, config(waiting(port=port))))
        assert smppd.wait_exit() != 0
        assert "outbind of upstream carrier" in smppd.output and str(port) in smppd.output


def test_smppsim_calls(door_open, start, tmp_path, shards):
    smppd = door_open(waiting(outbind={"type": "transceiver", "system_id": "sim", "password": "secret"}), shards=shards)
    call = ["--outbind", f"127.0.0.1:{port_of_door(smppd)}", "--own-system-id", "sim"]
    start(Smppsim(tmp_path, *call, system_id="esme"))
    wait_until(lambda: links(smppd, "bound") == 1, "smppsim has bound us")


# --- we call a client


class Esme:
    """A client that waits to be called."""

    def __init__(self, port=0):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.calls = []

    def called(self, timeout=5.0):
        self.listener.settimeout(timeout)
        connection = smpp.Connection(self.listener.accept()[0])
        self.calls.append(connection)
        return connection, connection.receive_command(smpp.OUTBIND).fields()

    def close(self):
        smpp.close_now(self.listener)
        for connection in self.calls:
            connection.close()


@pytest.fixture
def esme():
    esme = Esme()
    yield esme
    esme.close()


def to_call(esme, **more):
    outbind = {"address": f"127.0.0.1:{esme.port}", "system_id": "smppd", "password": "knock", **more}
    outbind.setdefault("retry", {"initial": "200ms", "max": "400ms"})
    return {"outbind": outbind}


def refused_mo(carrier):
    sent = carrier.send(carrier.link(), smpp.deliver_sm(source="258841234567", destination="1000"))
    assert carrier.response_to_sent(sent).status == smpp.RX_T_APPN


def test_a_client_is_called_for_an_mo_and_gets_it_when_the_smsc_comes_again(gateway, carrier, esme, shards):
    smppd = gateway(to(carrier), client=to_call(esme), mo_routes=MO_ROUTES, shards=shards)
    refused_mo(carrier)
    connection, said = esme.called()
    assert (said["system_id"], said["password"]) == ("smppd", "knock")
    connection.bind("rx")
    wait_until(lambda: smppd.metric("smppd_connections_active", client="client") == 1, "bound")
    mo_reaches(connection, carrier, carrier.link())
    refused_again = smppd.metric("smppd_flow_mo_refused_total")
    assert refused_again == 1 and smppd.metric("smppd_downstream_outbinds_total") == 1
    # Once the client has left, the next message makes smppd call again.
    connection.request(smpp.Pdu(smpp.UNBIND))
    connection.wait_closed()
    wait_until(lambda: smppd.metric("smppd_connections_active", client="client") == 0, "gone")
    refused_mo(carrier)
    esme.called()


def test_a_client_is_called_for_a_receipt(gateway, carrier, esme, shards):
    smppd = gateway(to(carrier), client=to_call(esme), shards=shards)
    carrier.receipts = False
    sender = smppd.bind("tx")
    answer = sender.request(smpp.submit_sm(registered_delivery=1))
    carrier.send_receipt(carrier.wait_received(1)[0])  # refused, and sent again by the carrier
    connection, _ = esme.called()
    connection.bind("trx")
    receipt = connection.receive_command(smpp.DELIVER_SM)
    assert receipt.fields()["tlvs"][smpp.TLV_RECEIPTED_MESSAGE_ID] == answer.body


def test_a_client_that_receives_already_is_not_called(gateway, carrier, esme, shards):
    smppd = gateway(to(carrier), client=to_call(esme), mo_routes=MO_ROUTES, shards=shards)
    mo_reaches(smppd.bind("rx"), carrier, carrier.link())
    with pytest.raises(TimeoutError):
        esme.called(0.3)


def test_a_call_is_checked_like_any_bind_and_must_be_able_to_receive(gateway, carrier, esme):
    smppd = gateway(to(carrier), client=to_call(esme), mo_routes=MO_ROUTES)
    refused_mo(carrier)
    connection, _ = esme.called()
    connection.bind("rx", password="wrong", expect=smpp.RINVPASWD)
    connection.bind("tx", expect=smpp.RINVBNDSTS)
    connection.bind("rx")
    assert smppd.metric("smppd_downstream_refused_binds_total") == 2


def test_a_client_that_does_not_bind_is_left_alone_for_a_while(gateway, carrier, esme):
    listener = {"timeouts": {"bind": "300ms"}}
    client = to_call(esme, retry={"initial": "1s", "max": "2s", "jitter": 0})
    smppd = gateway(to(carrier), client=client, listener=listener, mo_routes=MO_ROUTES)
    refused_mo(carrier)
    connection, _ = esme.called()
    connection.wait_closed()
    failed = time.monotonic()
    wait_until(lambda: smppd.metric("smppd_downstream_outbind_failures_total") == 1, "counted")
    smppd.wait_for_line("called in vain")
    refused_mo(carrier)
    with pytest.raises(TimeoutError):
        esme.called(0.3)
    while True:
        refused_mo(carrier)
        try:
            connection, _ = esme.called(0.2)
            break
        except TimeoutError:
            continue
    assert 0.8 < time.monotonic() - failed < 3
    connection.bind("rx")


def test_a_client_that_is_not_there_costs_a_line_and_nothing_else(gateway, carrier, esme):
    esme.close()
    smppd = gateway(to(carrier), client=to_call(esme), mo_routes=MO_ROUTES)
    for _ in range(20):
        refused_mo(carrier)
    smppd.wait_for_line("called in vain")
    assert smppd.metric("smppd_downstream_outbinds_total") <= 3
    wait_until(lambda: smppd.metric("smppd_connection_active") == 0, "no connection is left")
    again = Esme(esme.port)
    try:
        wait_until(lambda: refused_mo(carrier) or smppd.metric("smppd_downstream_outbinds_total") > 1, "called again")
        again.called()
    finally:
        again.close()


def test_a_stop_ends_calls_that_have_not_bound(gateway, carrier, esme):
    smppd = gateway(to(carrier), client=to_call(esme), mo_routes=MO_ROUTES)
    refused_mo(carrier)
    connection, _ = esme.called()
    smppd.stop()
    connection.wait_closed()
