"""smppd and its configurations for tests: one listener, one client, carriers by name, everything on loopback."""
from . import smpp
from .process import Smppd, free_port


def upstream(name, port, **more):
    """An upstream group with one host; `more` are keys of its section."""
    bind = {"system_id": "carrier", "password": "secret", "type": "transceiver", **more.pop("bind", {})}
    return {
        "name": name,
        "hosts": [{"address": f"127.0.0.1:{port}"}],
        "bind": bind,
        "reconnect": {"initial": "100ms", "max": "300ms"},
        **more,
    }


def config(*upstreams, listener=None, client=None, **sections):
    """The first upstream takes every message; `sections` are added to or replace what is here."""
    whole = {
        "listeners": [{"name": "smpp", "type": "smpp", "address": f"127.0.0.1:{free_port()}", **(listener or {})}],
        "upstreams": list(upstreams),
        "routes": [{"name": "all", "match": {"destination_addr": "*"}, "upstream": upstreams[0]["name"]}],
        "clients": [{"system_id": "client", "password": "secret", **(client or {})}],
        "management": {"address": f"127.0.0.1:{free_port()}"},
        "logging": {"level": "debug", "format": "text", "output": "stdout"},
        "runtime": {"shards": 1, "drain_timeout": "3s"},
    }
    whole.update(sections)
    return whole


def storage(folder, **more):
    """The section `storage` of a store on disk."""
    path = folder / "store"
    path.mkdir(exist_ok=True)
    return {"backend": "rocksdb", "rocksdb": {"path": str(path)}, **more}


def port_of(config, listener=0):
    return int(config["listeners"][listener]["address"].rsplit(":", 1)[1])


def to(carrier, name="carrier", **more):
    """The configuration of an upstream whose only host is this carrier."""
    return upstream(name, carrier.port, **more)


def mock(name="mock", **more):
    """The configuration of an upstream that answers inside smppd."""
    return {"name": name, "mock": {"latency": "1ms", "receipt_delay": "20ms", **more}}


def impatient(name, port, **more):
    """An upstream that notices trouble within tests' time."""
    more.setdefault("timeouts", {"response": "1s", "bind": "1s", "connect": "1s", "write": "1s"})
    more.setdefault("failover", {"enabled": False})
    more.setdefault("health", {"recovery_threshold": 1})
    return upstream(name, port, **more)


class Gateway(Smppd):
    """smppd and the connections a test made to it."""

    def __init__(self, folder, whole):
        self.connections = []
        super().__init__(folder, whole)

    @property
    def port(self):
        return port_of(self.config)

    def connect(self, listener=0, source="127.0.0.1"):
        self.connections.append(smpp.Connection.to(port_of(self.config, listener), source=source))
        return self.connections[-1]

    def turned_away(self, source="127.0.0.1"):
        """Fails unless a connection from this address is ended without an octet."""
        try:
            assert self.connect(source=source).wait_closed() == []
        except ConnectionResetError:
            pass

    def bind(self, kind="trx", listener=0, source="127.0.0.1", expect=smpp.ROK, **fields):
        """A connection that has asked to bind, and was answered as expected."""
        connection = self.connect(listener, source)
        connection.bind(kind, expect=expect, **fields)
        return connection
