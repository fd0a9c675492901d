"""What both ends wrote down, as plain records. Times are of the machine's monotonic clock, which all processes share."""
from dataclasses import dataclass, field


@dataclass
class Submitted:
    """One submit_sm of a client."""

    client: str
    registered: bool
    at: float
    status: int | None = None  # None: never answered
    answered: float = 0.0
    id: str = ""
    lost: float = 0.0  # when the session ended without an answer
    answers: int = 0


@dataclass
class Delivered:
    """One deliver_sm that came to a client."""

    client: str
    at: float
    id: str  # of a receipt; empty for a message from a handset
    state: str
    tag: str  # carried in the text
    taken: bool  # answered with ESME_ROK, at once
    since: float  # when its session was bound: the life of smppd that sent it, however late it is read


@dataclass
class EsmeLedger:
    submitted: dict = field(default_factory=dict)  # by tag
    delivered: list = field(default_factory=list)
    surprises: list = field(default_factory=list)


@dataclass
class Reception:
    """One submit_sm that came to a carrier."""

    at: float
    carrier: str
    id: str
    status: int
    since: float  # when its link was bound, likewise


@dataclass
class Sent:
    """A receipt or a message from a handset that a carrier owes, until smppd takes it."""

    carrier: str
    tag: str
    id: str  # of the message, for a receipt
    state: str
    sent: int = 0
    refused: int = 0
    taken: float = 0.0  # when smppd said ESME_ROK; 0: never
    takings: int = 0


@dataclass
class SmscLedger:
    received: dict = field(default_factory=dict)  # by tag: a list of Reception
    receipts: dict = field(default_factory=dict)  # by (carrier, id)
    incoming: dict = field(default_factory=dict)  # by tag
    surprises: list = field(default_factory=list)
