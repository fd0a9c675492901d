"""The judge finds what is planted: a verdict without findings means something."""
import pytest

from .judge import Case, Judge
from .ledger import Delivered, EsmeLedger, Reception, Sent, SmscLedger, Submitted

DEATH = 10.0
OF_ITS_LIFE, OF_THE_NEXT = 0.5, 11.0  # when links and sessions were bound


def books():
    """One message that was answered, received, and whose receipt came; smppd died afterwards."""
    esme = EsmeLedger({"a1": Submitted("alpha", True, 1.0, status=0, answered=1.1, id="ID", answers=1)})
    esme.delivered.append(Delivered("alpha", 3.0, "ID", "DELIVRD", "a1", True, OF_ITS_LIFE))
    smsc = SmscLedger({"a1": [Reception(2.0, "north", "7", 0, OF_ITS_LIFE)]})
    smsc.receipts["north", "7"] = Sent("north", "a1", "7", "DELIVRD", sent=1, taken=2.9, takings=1)
    smsc.incoming["m1"] = Sent("north", "m1", "", "", sent=1, taken=4.0, takings=1)
    esme.delivered.append(Delivered("alpha", 3.9, "", "", "m1", True, OF_ITS_LIFE))
    return Case(esme, smsc, [DEATH], set())


def test_books_that_agree_have_no_finding():
    verdict = Judge(books()).judge()
    assert verdict.findings == [] and verdict.figures["answered"] == 1 == verdict.figures["receipts taken"]


def lose_the_message(case):
    case.smsc.received.clear()


def lose_the_receipt(case):
    del case.esme.delivered[0]


def lose_the_incoming(case):
    del case.esme.delivered[1]


def double_in_one_life(case):
    case.smsc.received["a1"].append(Reception(5.0, "north", "8", 0, OF_ITS_LIFE))
    case.uncertain.add("ID")


def double_in_silence(case):
    case.smsc.received["a1"].append(Reception(12.0, "north", "8", 0, OF_THE_NEXT))


def double_of_an_unanswered_one(case):
    case.esme.submitted["a1"] = Submitted("alpha", True, 1.0, lost=10.0)
    case.smsc.received["a1"].append(Reception(12.0, "north", "8", 0, OF_THE_NEXT))


def receipt_twice_long_after_the_first(case):
    case.esme.delivered.append(Delivered("alpha", 12.0, "ID", "DELIVRD", "a1", True, OF_THE_NEXT))


def receipt_twice_in_one_life(case):
    case.esme.delivered.append(Delivered("alpha", 3.5, "ID", "DELIVRD", "a1", True, OF_ITS_LIFE))


def incoming_twice(case):
    case.esme.delivered.append(Delivered("alpha", 4.2, "", "", "m1", True, OF_ITS_LIFE))


def message_from_nowhere(case):
    case.smsc.received["a2"] = [Reception(2.0, "north", "9", 0, OF_ITS_LIFE)]


def receipt_from_nowhere(case):
    case.esme.delivered.append(Delivered("alpha", 3.5, "XX", "DELIVRD", "", True, OF_ITS_LIFE))


def receipt_with_another_state(case):
    case.esme.delivered[0].state = "UNDELIV"


def receipt_to_another_client(case):
    case.esme.delivered[0].client = "beta"


def receipt_never_taken(case):
    case.smsc.receipts["north", "7"].taken = 0.0


def a_false_no(case):
    case.esme.submitted["a1"].status = 0x58


def answered_twice(case):
    case.esme.submitted["a1"].answers = 2


def never_answered(case):
    case.esme.submitted["a1"] = Submitted("alpha", True, 1.0)


PLANTED = {
    "lost": lose_the_message,
    "receipt lost": lose_the_receipt,
    "incoming lost": lose_the_incoming,
    "doubled": (double_in_one_life, double_in_silence, double_of_an_unanswered_one),
    "receipt doubled": (receipt_twice_long_after_the_first, receipt_twice_in_one_life),
    "incoming doubled": incoming_twice,
    "from nowhere": (message_from_nowhere, receipt_from_nowhere, receipt_with_another_state),
    "misdirected": receipt_to_another_client,
    "receipt refused": receipt_never_taken,
    "a false no": a_false_no,
    "answered twice": answered_twice,
    "never answered": never_answered,
}
ALL = [(kind, plant) for kind, found in PLANTED.items() for plant in (found if isinstance(found, tuple) else (found,))]


@pytest.mark.parametrize("kind, plant", ALL, ids=[plant.__name__ for _, plant in ALL])
def test_what_is_planted_is_found(kind, plant):
    case = books()
    plant(case)
    findings = Judge(case).judge().findings
    assert any(sentence.startswith(kind + ":") for sentence in findings), findings


def test_a_double_that_was_called_uncertain_is_explained():
    case = books()
    case.uncertain.add("ID")
    double_in_silence(case)
    verdict = Judge(case).judge()
    assert verdict.findings == [] and verdict.figures["doubled, explained"] == 1


def test_what_is_read_after_the_death_of_who_sent_it_is_of_the_life_before():
    case = books()
    case.uncertain.add("ID")
    case.smsc.received["a1"] = [Reception(10.5, "north", "7", 0, OF_ITS_LIFE), Reception(12.0, "north", "8", 0, OF_THE_NEXT)]
    case.esme.delivered[0].at = 10.4
    case.esme.delivered.append(Delivered("alpha", 12.0, "ID", "DELIVRD", "a1", True, OF_THE_NEXT))
    verdict = Judge(case).judge()
    assert verdict.findings == [] and verdict.figures["doubled, explained"] == 1
    assert verdict.figures["receipts doubled, explained"] == 1


def test_an_uncertain_message_may_end_here_only_under_a_policy_that_says_so():
    for may_end in (True, False):
        case = books()
        case.uncertain.add("ID")
        case.uncertain_may_end = may_end
        lose_the_message(case)
        case.smsc.receipts.clear()
        assert bool(Judge(case).judge().findings) is not may_end
