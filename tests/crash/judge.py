"""Compares the two ledgers. What smppd recorded as uncertain is explained; what else does not agree is a finding."""
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

FINDINGS_SHOWN = 20


@dataclass
class Case:
    esme: object  # EsmeLedger
    smsc: object  # SmscLedger
    deaths: list  # when smppd ended, in order
    uncertain: set  # ids of messages that smppd called uncertain, in its log
    unanswered: set = field(default_factory=set)  # those of them whose SMSC did not answer while smppd lived
    durable: bool = True  # store_and_forward; else transaction mode, which keeps nothing
    uncertain_may_end: bool = True  # policy hold or fail: an uncertain message need not have reached an SMSC
    refusals: tuple = ()  # statuses by which smppd says that it did not take a message
    uncertain_status: int | None = None  # transaction mode says so to the client
    in_hands: float = 1.0  # what a client took so shortly before a death may come again


@dataclass
class Verdict:
    figures: Counter = field(default_factory=Counter)
    findings: list = field(default_factory=list)

    def find(self, kind, sentence):
        self.figures["unexplained"] += 1
        self.findings.append(f"{kind}: {sentence}")

    def __str__(self):
        shown = self.findings[:FINDINGS_SHOWN]
        return f"{dict(self.figures)}\n" + "\n".join(shown) + f"\n{len(self.findings)} findings"


class Judge:
    def __init__(self, case):
        self.case, self.verdict = case, Verdict()
        self.say, self.find = self.verdict.figures, self.verdict.find
        self.learn_ids()
        self.tag_of_id = {one.id: tag for tag, one in case.esme.submitted.items() if one.id}
        self.known_uncertain = case.uncertain & self.tag_of_id.keys()
        # Messages whose answer the client never got have no name that both know.
        self.nameless = len(case.uncertain) - len(self.known_uncertain)

    def learn_ids(self):
        """Of messages whose answer their client never got: a receipt names both."""
        for one in self.case.esme.delivered:
            message = self.case.esme.submitted.get(one.tag)
            if one.id and message is not None and not message.id:
                message.id = one.id

    def judge(self):
        self.say["deaths"] = len(self.case.deaths)
        for sentence in self.case.esme.surprises + self.case.smsc.surprises:
            self.find("surprise", sentence)
        self.messages()
        self.receipts()
        self.incoming()
        self.say["uncertain"] = len(self.case.uncertain)
        return self.verdict

    def is_uncertain(self, one):
        return one.id in self.case.uncertain

    def deaths_between(self, first, second):
        return bisect_left(self.case.deaths, second) - bisect_left(self.case.deaths, first)

    def messages(self):
        case = self.case
        nameless_doubles = 0
        for tag in case.smsc.received.keys() - case.esme.submitted.keys():
            self.find("from nowhere", f"{tag} was received and never submitted")
        for tag, one in case.esme.submitted.items():
            self.say["messages"] += 1
            came = [reception for reception in case.smsc.received.get(tag, ()) if reception.status == 0]
            self.say["received"] += len(came)
            if one.answers > 1:
                self.find("answered twice", tag)
            if one.status is None:
                self.say["unanswered"] += 1
                if not one.lost:
                    self.find("never answered", f"{tag}, and its session lives")
            elif one.status == 0:
                self.say["answered"] += 1
                self.taken(tag, one, came)
            else:
                self.refused(tag, one, came)
            if len(came) > 1:
                nameless_doubles += self.doubled(tag, one, came)
        if nameless_doubles > self.nameless:
            self.find("doubled", f"{nameless_doubles} unanswered messages came twice, {self.nameless} were uncertain")

    def taken(self, tag, one, came):
        if not one.id:
            self.find("no id", tag)
        if came:
            return
        if self.is_uncertain(one) and self.case.uncertain_may_end:
            self.say["given up as uncertain"] += 1
        else:
            self.find("lost", f"{tag} was answered {one.id} and no carrier has it")

    def refused(self, tag, one, came):
        if one.status == self.case.uncertain_status:
            self.say["answered as uncertain"] += 1
            return
        self.say["refused"] += 1
        if one.status not in self.case.refusals:
            self.find("refused", f"{tag} was answered {one.status:#x}")
        if came:
            self.find("a false no", f"{tag} was answered {one.status:#x}, and {came[0].carrier} has it")

    def doubled(self, tag, one, came):
        """1 when only the number of nameless uncertain messages can explain it."""
        in_one_life = any(self.deaths_between(a.since, b.since) == 0 for a, b in zip(came, came[1:]))
        if in_one_life and one.id not in self.case.unanswered:
            self.find("doubled", f"{tag} came to a carrier {len(came)} times in one life: {came}")
        elif one.id and not self.is_uncertain(one):
            self.find("doubled", f"{tag} ({one.id}) came {len(came)} times, and was not called uncertain: {came}")
        else:
            self.say["doubled, explained"] += 1
            return not one.id
        return 0

    def receipts(self):
        owed = defaultdict(list)
        for one in self.case.smsc.receipts.values():
            owed[one.tag].append(one)
        got = defaultdict(list)
        for one in self.case.esme.delivered:
            if one.id:
                self.say["receipts delivered"] += 1
                self.receipt(one, owed, got)
        for tag, delivered in got.items():
            self.repeated("receipt", tag, delivered, again=self.has_two_ends(tag, delivered))
        for tag, receipts in owed.items():
            self.owed_to(tag, receipts, got.get(tag, ()))

    def receipt(self, one, owed, got):
        tag = self.tag_of_id.get(one.id, one.tag)
        message = self.case.esme.submitted.get(tag)
        if message is None:
            self.say["receipts for unanswered"] += 1
            if one.id not in self.case.uncertain:
                self.find("from nowhere", f"a receipt for {one.id} with the text {one.tag!r}")
            return
        if message.client != one.client or (message.id and message.id != one.id) or (one.tag and one.tag != tag):
            self.find("misdirected", f"{one} about {tag}: {message}")
        if not message.registered:
            self.find("not asked for", f"{one} about {tag}")
        if one.state not in {receipt.state for receipt in owed.get(tag, ())} and not self.is_uncertain(message):
            self.find("from nowhere", f"{one} about {tag} has a state that no carrier told: {message}")
        got[tag].append(one)

    def repeated(self, what, tag, delivered, again):
        """What a client took more than once; `again`: the carrier itself sent it more than once."""
        taken = [one for one in delivered if one.taken]
        for first, second in zip(taken, taken[1:]):
            deaths = self.case.deaths
            at = bisect_left(deaths, first.since)
            death = deaths[at] if at < len(deaths) else float("inf")
            if again or (death < second.since and death - first.at < self.case.in_hands):
                self.say[f"{what}s doubled, explained"] += 1
            else:
                self.find(f"{what} doubled", f"{tag}: {first}, {second}, next death {death - first.at:.3f} s after the first")

    def has_two_ends(self, tag, delivered):
        """An uncertain message that came to carriers twice has a receipt from each of them."""
        message = self.case.esme.submitted[tag]
        came = sum(reception.status == 0 for reception in self.case.smsc.received.get(tag, ()))
        taken = sum(one.taken for one in delivered)
        return came > 1 and taken <= came and (self.is_uncertain(message) or not message.id)

    def owed_to(self, tag, receipts, delivered):
        taken = [one for one in receipts if one.taken]
        self.say["receipts sent"] += len(receipts)
        self.say["receipts taken"] += len(taken)
        if not self.case.durable:
            return
        for one in receipts:
            if not one.taken:
                self.find("receipt refused", f"{one}")
        if not taken or any(one.taken for one in delivered):
            return
        message = self.case.esme.submitted[tag]
        if self.is_uncertain(message) or (not message.id and self.nameless):
            self.say["receipts of uncertain messages that met nobody"] += 1
        else:
            self.find("receipt lost", f"{tag} {message}: {taken}, received {self.case.smsc.received[tag]}")

    def incoming(self):
        got = defaultdict(list)
        for one in self.case.esme.delivered:
            if not one.id:
                got[one.tag].append(one)
        for tag in got.keys() - self.case.smsc.incoming.keys():
            self.find("from nowhere", f"{tag} came to a client")
        for tag, one in self.case.smsc.incoming.items():
            self.say["incoming sent"] += 1
            taken = sum(delivered.taken for delivered in got.get(tag, ()))
            self.say["incoming delivered"] += taken
            if one.taken and not taken:
                self.find("incoming lost", f"{one}")
            self.repeated("incoming", tag, got.get(tag, ()), again=one.sent - one.refused > 1)
