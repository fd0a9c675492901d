"""python-smpplib as a peer; ../README.md has the protocol. The library is a client only."""
import json
import logging
import os
import select
import ssl
import sys

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
import smpplib.smpp

# The library's own names for what its encoders give.
ENCODINGS = {
    "gsm": smpplib.consts.SMPP_ENCODING_DEFAULT,
    "latin1": smpplib.consts.SMPP_ENCODING_ISO88591,
    "ucs2": smpplib.consts.SMPP_ENCODING_ISO10646,
}
PART_OCTETS = {"gsm": 153, "latin1": 134, "ucs2": 134}


def say(**record):
    print(json.dumps(record), flush=True)


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


def encoded(command):
    if "hex" in command:
        return bytes.fromhex(command["hex"]), command.get("data_coding", 0)
    kind = command["encoding"]
    if kind == "gsm":
        return smpplib.gsm.gsm_encode(command["text"]), ENCODINGS[kind]
    return command["text"].encode({"latin1": "latin-1", "ucs2": "utf-16-be"}[kind]), ENCODINGS[kind]


class Peer:
    def __init__(self, host, port):
        # TLS when the test names an authority.
        ca = os.environ.get("PEER_TLS_CA")
        context = ssl.create_default_context(cafile=ca) if ca else None
        if context:
            context.check_hostname = False  # the library does not tell its ssl module the name
            # It waits with select(), which a session ticket of TLS 1.3 would wake for nothing.
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.client = smpplib.client.Client(
            host, int(port), timeout=10, allow_unknown_opt_params=True, ssl_context=context
        )
        self.client.set_message_received_handler(self.received)
        self.client.set_message_sent_handler(lambda pdu: None)
        self.client.connect()
        self.early = {}  # responses by sequence number that came before the one waited for

    def received(self, pdu):
        record = {
            "source": text(pdu.source_addr),
            "destination": text(pdu.destination_addr),
            "esm_class": pdu.esm_class,
            "data_coding": pdu.data_coding,
            "registered_delivery": pdu.registered_delivery,
            "hex": (pdu.message_payload or pdu.short_message or b"").hex(),
        }
        if pdu.receipted_message_id is not None:
            record["receipted_message_id"] = text(pdu.receipted_message_id)
        if pdu.message_state is not None:
            record["message_state"] = pdu.message_state
        say(event="deliver_sm", **record)
        return 0

    def response_to(self, sequence):
        """The response with this number; what else arrives meanwhile is handled as the library's read_once() would."""
        while sequence not in self.early:
            pdu = self.client.read_pdu()
            if pdu.command.endswith("_resp") or pdu.command == "generic_nack":
                self.early[pdu.sequence] = pdu
            else:
                self.handle(pdu)
        return self.early.pop(sequence)

    def handle(self, pdu):
        if pdu.command == "deliver_sm":
            self.client._message_received(pdu)
        elif pdu.command == "enquire_link":
            self.client._enquire_link_received(pdu)
        elif pdu.command == "unbind":
            say(event="unbind")
            answer = smpplib.smpp.make_pdu("unbind_resp", client=self.client)
            answer.sequence = pdu.sequence
            self.client.send_pdu(answer)

    def bind(self, command):
        method = {"tx": "bind_transmitter", "rx": "bind_receiver", "trx": "bind_transceiver"}[command["kind"]]
        fields = {name: command[name] for name in ("system_id", "password", "system_type") if name in command}
        try:
            response = getattr(self.client, method)(**fields)
        except smpplib.exceptions.PDUError as error:
            return {"status": error.args[1]}
        return {"status": response.status, "system_id": text(response.system_id)}

    def addressed(self, command):
        return {
            "source_addr": command["source"],
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "destination_addr": command["destination"],
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "registered_delivery": command.get("registered_delivery", 0),
        }

    def submit(self, command):
        octets, coding = encoded(command)
        body = "message_payload" if command.get("payload") else "short_message"
        sent = self.client.send_message(
            **self.addressed(command), esm_class=command.get("esm_class", 0), data_coding=coding, **{body: octets}
        )
        response = self.response_to(sent.sequence)
        return {"status": response.status, "message_id": text(getattr(response, "message_id", None))}

    def submit_long(self, command):
        parts, coding, esm_class = smpplib.gsm.make_parts(command["text"], encoding=ENCODINGS[command["encoding"]])
        sent = [
            self.client.send_message(
                **self.addressed(command), esm_class=esm_class, data_coding=coding, short_message=part
            ).sequence
            for part in parts
        ]
        answers = [self.response_to(sequence) for sequence in sent]
        bad = [answer.status for answer in answers if answer.status]
        return {"status": bad[0] if bad else 0, "message_ids": [text(answer.message_id) for answer in answers]}

    def data_sm(self, command):
        octets, coding = encoded(command)
        pdu = smpplib.smpp.make_pdu(
            "data_sm", client=self.client, **self.addressed(command), data_coding=coding, message_payload=octets
        )
        self.client.send_pdu(pdu)
        response = self.response_to(pdu.sequence)
        return {"status": response.status, "message_id": text(getattr(response, "message_id", None))}

    def query(self, command):
        sent = self.client.query_message(
            message_id=command["message_id"], source_addr_ton=1, source_addr_npi=1, source_addr=command["source"]
        )
        response = self.response_to(sent.sequence)
        return {"status": response.status, "message_state": getattr(response, "message_state", None)}

    def enquire_link(self, _):
        pdu = smpplib.smpp.make_pdu("enquire_link", client=self.client)
        self.client.send_pdu(pdu)
        return {"status": self.response_to(pdu.sequence).status}

    def unbind(self, _):
        return {"status": self.client.unbind().status}


def main():
    if sys.argv[1:2] != ["client"]:
        sys.exit("usage: peer.py client HOST PORT")
    logging.disable(logging.CRITICAL)
    peer = Peer(*sys.argv[2:4])
    pending = b""
    waiting = [sys.stdin.buffer, peer.client._socket]
    while True:
        readable, _, _ = select.select(waiting, [], [])
        if peer.client._socket in readable:
            try:
                peer.handle(peer.client.read_pdu())
            except smpplib.exceptions.ConnectionError:
                waiting.remove(peer.client._socket)
                say(event="closed")
        if sys.stdin.buffer in readable:
            data = sys.stdin.buffer.raw.read(65536)
            if not data:
                break
            pending += data
            *lines, pending = pending.split(b"\n")
            for line in lines:
                command = json.loads(line)
                try:
                    say(call=command["call"], **getattr(peer, command["do"])(command))
                except Exception as error:  # whatever the library raises is the answer
                    say(call=command["call"], error=repr(error))
    peer.client.disconnect()


main()
