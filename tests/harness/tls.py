"""Certificates and TLS ends for tests: an authority made by the openssl command, contexts, and a carrier behind TLS."""
import datetime
import socket
import ssl
import subprocess

from . import smpp
from .carrier import Carrier

CONFIGURATION = """
[ca]
default_ca = this
[this]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""
EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"


class Authority:
    """Signs certificates; everything is in files of its folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "index").write_text("")
        (folder / "serial").write_text("1000\n")
        (folder / "ca.conf").write_text(CONFIGURATION.format(folder=folder))
        self.ca = folder / "ca.crt"
        openssl("req", "-x509", *EC, "-nodes", "-days", 2, "-subj", f"/CN={folder.name}",
                "-keyout", folder / "ca.key", "-out", self.ca)

    def issue(self, name, *, names="DNS:localhost,IP:127.0.0.1", days=(-1, 2), password=None):
        """(certificate, key), valid from `days[0]` to `days[1]` days from now."""
        cert, key, request = (self.folder / f"{name}.{end}" for end in ("crt", "key", "csr"))
        protection = ["-passout", f"pass:{password}"] if password else ["-nodes"]
        openssl("req", "-new", *EC, *protection, "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
                "-keyout", key, "-out", request)
        now = datetime.datetime.now(datetime.timezone.utc)
        begin, end = ((now + datetime.timedelta(days=count)).strftime("%y%m%d%H%M%SZ") for count in days)
        openssl("ca", "-batch", "-notext", "-config", self.folder / "ca.conf", "-in", request, "-out", cert,
                "-startdate", begin, "-enddate", end)
        return cert, key


def client_context(ca, pair=None, newest=None):
    context = ssl.create_default_context(cafile=str(ca))
    if pair:
        context.load_cert_chain(*map(str, pair))
    if newest:
        context.maximum_version = newest
    return context


def server_context(pair, ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, pair))
    if ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(str(ca))
    return context


def connect(port, context):
    """An SMPP connection inside TLS, as a client makes it; an end without close_notify is an error."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=5.0)
    try:
        return smpp.Connection(context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False))
    except OSError:
        plain.close()
        raise


class TlsCarrier(Carrier):
    """A carrier behind TLS. `context` may be replaced; `handshake_errors` says why some failed."""

    def __init__(self, context, **options):
        self.context = context
        self.handshake_errors = []
        super().__init__(**options)

    def connection_of(self, accepted):
        accepted.settimeout(5)
        return smpp.Connection(self.context.wrap_socket(accepted, server_side=True))

    def not_bound(self, accepted, error):
        self.handshake_errors.append(str(error))
        accepted.close()
