"""Who may bind, how, from where and how often; what the others are answered; how a session ends."""
import pytest

from harness import smpp
from harness.gateway import mock
from harness.process import wait_until

# The password of each is "secret", but for argon2id's "password".
HASHES = {
    "sha512-crypt": ("secret", "$6$saltforatest$6znIa6/upuQpie7vbEQIbFzGd.lMK05WJBo7J3R3Fm7iPhZYdlsYCHUHtyeNqRqc/EIgKphsam38W78eUwrjE."),
    "bcrypt": ("secret", "$2b$04$2Jpf5hsGf3RXGy8HG.DKdOscLArqm2HfqY2xZKzmNvNe5MUp45LEO"),
    "argon2id": ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
}


def answered(connection, kind="trx", **fields):
    """The whole answer to a bind."""
    return connection.request(smpp.bind(kind, **fields))


def sc_interface_version(answer):
    return answer.fields()["tlvs"].get(smpp.TLV_SC_INTERFACE_VERSION)


@pytest.mark.parametrize("kind", ["tx", "rx", "trx"])
def test_each_bind_type_may_do_what_it_is_for(gateway, shards, kind):
    smppd = gateway(mock(), shards=shards)
    session = smppd.connect()
    answer = session.bind(kind)
    assert answer.command == smpp.BINDS[kind] | 0x80000000
    assert answer.fields()["system_id"] == "smppd"
    submitted = session.request(smpp.submit_sm())
    assert submitted.status == (smpp.RINVBNDSTS if kind == "rx" else smpp.ROK)
    assert session.request(smpp.Pdu(smpp.ENQUIRE_LINK)).encode()[:12] == smpp.Pdu(0x80000015).encode()[:12]


@pytest.mark.parametrize(
    "asked, spoken",
    [(0x33, None), (0x00, None), (0x10, None), (0x34, 0x34), (0x35, 0x34), (0x50, 0x50), (0x51, 0x50), (0xFF, 0x50)],
)
def test_row_37_every_interface_version_is_answered_with_the_best_common_one(gateway, asked, spoken):
    smppd = gateway(mock())
    found = sc_interface_version(answered(smppd.connect(), interface_version=asked))
    assert found == (None if spoken is None else bytes([spoken]))


@pytest.mark.parametrize(
    "auto, asked, spoken", [(True, 0x50, 0x34), (True, 0x33, None), (False, 0x50, None), (False, 0x34, 0x34)]
)
def test_a_listener_may_offer_one_version_only(gateway, auto, asked, spoken):
    smppd = gateway(mock(), listener={"smpp": {"versions": ["3.4"], "auto_negotiate": auto}})
    answer = answered(smppd.connect(), interface_version=asked)
    assert answer.status == (smpp.RBINDFAIL if spoken is None else smpp.ROK)
    if spoken:
        assert sc_interface_version(answer) == bytes([spoken])


@pytest.mark.parametrize("kind", ["tx", "rx", "trx"])
def test_each_refusal_has_its_status_and_counts(gateway, kind):
    client = {"bind_types": [name for short, name in NAMES.items() if short != kind]}
    smppd = gateway(mock(), client=client)
    for fields, status in [
        ({"password": "wrong"}, smpp.RINVPASWD),
        ({"password": ""}, smpp.RINVPASWD),
        ({"system_id": "nobody"}, smpp.RINVSYSID),
        ({"system_id": ""}, smpp.RINVSYSID),
        ({}, smpp.RBINDFAIL),
    ]:
        smppd.bind(kind, expect=status, **fields)
    assert smppd.metric("smppd_downstream_refused_binds_total") == 5
    assert smppd.metric("smppd_downstream_binds_total") == 0
    others = [short for short in NAMES if short != kind]
    for other in others:
        smppd.bind(other)
    assert smppd.metric("smppd_downstream_binds_total") == 2


NAMES = {"tx": "transmitter", "rx": "receiver", "trx": "transceiver"}


def test_a_refused_bind_may_try_again_but_not_for_ever(gateway):
    smppd = gateway(mock())
    session = smppd.connect()
    session.bind(password="wrong", expect=smpp.RINVPASWD)
    session.bind()
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    guesser = smppd.connect()
    for _ in range(3):
        guesser.bind(password="wrong", expect=smpp.RINVPASWD)
    assert guesser.wait_closed() == []


def test_a_second_bind_on_a_session_is_refused_and_the_session_lives(gateway):
    smppd = gateway(mock())
    session = smppd.bind("tx")
    session.bind("rx", expect=smpp.RALYBND)
    assert session.request(smpp.submit_sm()).status == smpp.ROK


@pytest.mark.parametrize("request_pdu", [smpp.submit_sm(), smpp.deliver_sm(), smpp.Pdu(smpp.UNBIND)], ids=str)
def test_requests_before_the_bind_are_refused_with_their_own_response(gateway, request_pdu):
    smppd = gateway(mock())
    session = smppd.connect()
    answer = session.request(smpp.Pdu(request_pdu.command, request_pdu.body))
    assert (answer.command, answer.status) == (request_pdu.command | 0x80000000, smpp.RINVBNDSTS)
    session.bind()
    assert smppd.metric("smppd_downstream_wrong_state_total") == 1


def test_sessions_over_max_connections_are_refused_until_one_leaves(gateway, shards):
    smppd = gateway(mock(), shards=shards, client={"max_connections": 2})
    first, _ = smppd.bind(), smppd.bind("rx")
    late = smppd.connect()
    late.bind(expect=smpp.RALYBND)
    assert first.request(smpp.Pdu(smpp.UNBIND)).status == smpp.ROK
    first.wait_closed()
    wait_until(lambda: answered(smppd.connect()).status == smpp.ROK, "a bind accepted after another session left")


def test_the_listener_may_limit_sessions_of_each_client(gateway, shards):
    clients = [{"system_id": name, "password": "secret"} for name in ("one", "two")]
    smppd = gateway(mock(), shards=shards, listener={"max_connections_per_client": 1}, clients=clients)
    smppd.bind(system_id="one")
    smppd.bind(system_id="one", expect=smpp.RALYBND)
    smppd.bind(system_id="two")


def test_row_35_kick_oldest_makes_room_for_a_client_that_comes_back(gateway, shards):
    smppd = gateway(mock(), shards=shards, client={"max_connections": 1}, listener={"smpp": {"kick_oldest": True}})
    for _ in range(6):
        before = smppd.bind()
        smppd.bind()
        before.wait_closed()


def test_row_35_kick_oldest_closes_the_oldest_session_on_whatever_shard_it_is(gateway, shards):
    kick = {"smpp": {"kick_oldest": True}}
    smppd = gateway(mock(), shards=shards, client={"max_connections": 3}, listener=kick)
    sessions = [smppd.bind() for _ in range(3)]
    for _ in range(9):
        sessions.append(smppd.bind())
        sessions.pop(0).wait_closed()
        for session in sessions:
            assert session.request(smpp.Pdu(smpp.ENQUIRE_LINK)).status == smpp.ROK


def test_row_35_kick_oldest_leaves_as_many_as_allowed_when_many_bind_at_once(gateway, shards):
    kick = {"smpp": {"kick_oldest": True}}
    smppd = gateway(mock(), shards=shards, client={"max_connections": 2}, listener=kick)
    for _ in range(5):
        connections = [smppd.connect() for _ in range(8)]
        for connection in connections:
            connection.send(smpp.bind())
        wait_until(lambda: smppd.metric("smppd_connections_active", client="client") == 2, "two sessions left")
        for connection in smppd.connections[:-8]:
            connection.wait_closed()
        del smppd.connections[:-8]
    assert smppd.metric("smppd_downstream_binds_total") == 40


def test_binds_over_the_listeners_rate_are_throttled(gateway):
    smppd = gateway(mock(), listener={"rate_limit": {"binds_per_second": 2}})
    statuses = [answered(smppd.connect()).status for _ in range(5)]
    assert statuses[:2] == [smpp.ROK, smpp.ROK]
    assert smpp.RTHROTTLED in statuses
    wait_until(lambda: answered(smppd.connect()).status == smpp.ROK, "a bind accepted later")


@pytest.mark.parametrize("kind", HASHES)
def test_hashed_passwords_are_checked(gateway, shards, kind):
    password, hashed = HASHES[kind]
    smppd = gateway(mock(), shards=shards, clients=[{"system_id": "client", "password_hash": hashed}])
    smppd.bind(password="wrong", expect=smpp.RINVPASWD)
    for _ in range(3):
        session = smppd.bind(password=password)
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    smppd.bind(password="wrong", expect=smpp.RINVPASWD)


def test_row_38_passwords_may_be_longer_than_eight_octets(gateway):
    long = "p" * 64
    smppd = gateway(mock(), client={"password": long})
    smppd.bind(password=long)
    smppd.bind(password=long[:63], expect=smpp.RINVPASWD)
    smppd.bind(password=long[:8], expect=smpp.RINVPASWD)
    answer = answered(smppd.connect(), password=long + "p")
    assert answer.status == smpp.RINVPASWD


def test_row_38_a_listener_may_insist_on_short_passwords(gateway):
    clients = [{"system_id": "client", "password": "p" * 9}]
    smppd = gateway(mock(), clients=clients, listener={"smpp": {"max_password_length": 8}})
    smppd.bind(password="p" * 9, expect=smpp.RINVPASWD)


@pytest.mark.parametrize("anonymous, status", [(None, smpp.ROK), (True, smpp.ROK), (False, smpp.RBINDFAIL)])
def test_without_clients_local_peers_bind_unless_the_listener_says_no(gateway, anonymous, status):
    listener = {} if anonymous is None else {"anonymous": anonymous}
    smppd = gateway(mock(), clients=[], listener=listener)
    session = smppd.bind(system_id="whoever", password="", expect=status)
    if status == smpp.ROK:
        assert session.request(smpp.submit_sm()).status == smpp.ROK


def test_blocked_addresses_do_not_get_a_word(gateway):
    listener = {"allowed_ips": ["127.0.0.0/29"], "blocked_ips": ["127.0.0.3"]}
    smppd = gateway(mock(), listener=listener)
    for outsider in ("127.0.0.3", "127.0.0.9"):
        smppd.turned_away(source=outsider)
    smppd.bind(source="127.0.0.2")
    assert smppd.metric("smppd_downstream_refused_address_total") == 2


def test_a_client_binds_from_its_own_addresses_only(gateway):
    smppd = gateway(mock(), client={"allowed_ips": ["127.0.0.2", "127.0.1.0/24"]})
    smppd.bind(expect=smpp.RBINDFAIL)
    smppd.bind(source="127.0.0.2")
    smppd.bind(source="127.0.1.77")


def test_row_28_connections_are_limited_for_the_listener_and_for_each_address(gateway, shards):
    listener = {"max_connections": 3, "max_connections_per_ip": 2}
    smppd = gateway(mock(), shards=shards, listener=listener)
    first, second = smppd.bind(), smppd.bind()
    smppd.turned_away()
    smppd.bind(source="127.0.0.2")
    smppd.turned_away(source="127.0.0.3")
    assert smppd.metric("smppd_downstream_refused_limit_total") == 2
    for session in (first, second):
        assert session.request(smpp.submit_sm()).status == smpp.ROK
    first.close()
    wait_until(lambda: smppd.metric("smppd_downstream_closed_connections_total") == 1, "the closed connection noticed")
    smppd.bind()


def test_row_28_connections_over_the_rate_are_closed_at_once(gateway):
    smppd = gateway(mock(), listener={"rate_limit": {"connections_per_second": 2}})
    session = smppd.bind()
    refused = lambda: smppd.metric("smppd_downstream_refused_rate_total")  # noqa: E731

    def one_more():
        try:
            smppd.connect()
        except ConnectionResetError:
            pass
        return refused()

    wait_until(one_more, "a connection refused", every=0)
    assert session.request(smpp.submit_sm()).status == smpp.ROK


def test_row_28_who_does_not_bind_in_time_is_closed(gateway):
    smppd = gateway(mock(), listener={"timeouts": {"bind": "200ms"}})
    silent, asking = smppd.connect(), smppd.connect()
    bound = smppd.bind()
    assert asking.request(smpp.Pdu(smpp.ENQUIRE_LINK)).status == smpp.ROK
    assert silent.wait_closed() == []
    asking.wait_closed()
    assert bound.request(smpp.submit_sm()).status == smpp.ROK
    assert smppd.metric("smppd_downstream_bind_timeouts_total") == 2


def test_row_34_enquire_link_is_answered_in_any_state_and_echoes_any_sequence_number(gateway):
    smppd = gateway(mock())
    session = smppd.connect()
    for sequence in (1, 0, 0x7FFFFFFF, 0xFFFFFFFF):
        session.send_bytes(smpp.Pdu(smpp.ENQUIRE_LINK, sequence=sequence).encode())
        assert session.receive().encode() == smpp.Pdu(0x80000015, sequence=sequence).encode()
    session.bind("rx")
    assert session.request(smpp.Pdu(smpp.ENQUIRE_LINK)).status == smpp.ROK


def test_row_34_silent_sessions_are_asked_and_closed_when_they_do_not_answer(gateway):
    listener = {"smpp": {"enquire_link_interval": "100ms", "enquire_link_timeout": "200ms", "enquire_link_misses": 2}}
    smppd = gateway(mock(), listener=listener)
    session, dead = smppd.bind(), smppd.bind()
    for _ in range(6):
        asked = session.receive()
        assert asked.command == smpp.ENQUIRE_LINK and 1 <= asked.sequence <= 0x7FFFFFFF
        session.send(asked.response())
    seen = dead.wait_closed()
    assert [pdu.command for pdu in seen] == [smpp.ENQUIRE_LINK] * 2
    assert smppd.metric("smppd_downstream_enquire_timeouts_total") == 1


def test_idle_sessions_are_closed_although_they_answer_enquire_link(gateway):
    listener = {"timeouts": {"idle": "400ms"}, "smpp": {"enquire_link_interval": "100ms"}}
    smppd = gateway(mock(), listener=listener)
    session = smppd.bind()
    with pytest.raises(smpp.Closed):
        while True:
            session.send(session.receive().response())
    assert smppd.metric("smppd_downstream_idle_timeouts_total") == 1


def test_unbind_is_answered_after_what_is_in_flight(gateway):
    smppd = gateway(mock(latency="300ms"))
    session = smppd.bind()
    submitted = session.send(smpp.submit_sm())
    unbind = session.send(smpp.Pdu(smpp.UNBIND))
    seen = {(pdu.command, pdu.sequence): pdu for pdu in session.wait_closed()}
    assert seen[0x80000006, unbind.sequence].status == smpp.ROK
    assert seen[0x80000004, submitted.sequence].status == smpp.ROK


def test_row_56_a_client_that_binds_for_each_message_gets_each_receipt(gateway, shards):
    smppd = gateway(mock(receipt_delay="0"), shards=shards)
    for _ in range(5):
        session = smppd.bind()
        answer = session.request(smpp.submit_sm(registered_delivery=1))
        receipt = session.receive_command(smpp.DELIVER_SM)
        assert smpp.cstring(answer.fields()["message_id"]) == receipt.fields()["tlvs"][smpp.TLV_RECEIPTED_MESSAGE_ID]
        session.send(receipt.response(0, b"\0"))
        assert session.request(smpp.Pdu(smpp.UNBIND)).status == smpp.ROK
        session.wait_closed()
