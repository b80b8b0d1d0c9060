"""`payment_failed`: an invoice could not be charged."""

from alerting.lifecycle import Finding
from alerting.words import count, money
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.payments import FailedInvoice
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account


class PaymentFailedSignal:
    """Fires while an invoice whose last attempt failed is neither paid nor voided. Every further failed attempt, of
    whichever invoice, escalates; it is critical when the decline is hard or no attempt is left. Resolved when all of
    it is paid or voided."""

    kind = Kind.PAYMENT_FAILED

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, at: int) -> Judgement:  # noqa: ARG002  # what is owed is owed at any time
        """See `DatedSignal`."""
        invoices = account.payments.invoices.values()
        if not invoices:
            settled = list(account.payments.settled.values())
            paid = bool(settled) and settled[-1][1]
            return Calm(Resolution.PAID if paid else Resolution.EXPIRED)
        final = any(invoice.final for invoice in invoices)
        return Firing(Severity.CRITICAL if final else Severity.WARNING, max(invoice.attempt_at for invoice in invoices))

    def next_at(self, account: Account) -> int | None:  # noqa: ARG002
        """Nothing happens here but by events."""
        return None

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:  # noqa: ARG002
        """See `Signal`. The headline is that of the last attempt."""
        invoices = list(account.payments.invoices.values())
        last = max(invoices, key=lambda invoice: invoice.attempt_at)
        others = len(invoices) - 1
        headline = f"Payment of {money(last.amount_minor, last.currency)} failed at attempt {last.attempt}"
        headline += f" ({last.failure_code})" if last.failure_code else ""
        headline += f"; {self._next(last)}"
        headline += f"; {count(others, 'other invoice')} also unpaid." if others else "."
        evidence: dict[str, int | float] = {
            "attempt": last.attempt,
            "amount_minor": last.amount_minor,
            "invoices": others + 1,
        }
        if last.next_attempt_at is not None:
            evidence["next_attempt_at"] = last.next_attempt_at
        return Finding(
            firing.severity,
            min(invoice.failed_at for invoice in invoices),
            headline,
            tuple(self._reason(invoice) for invoice in invoices),
            evidence,
            firing.step,
        )

    def _next(self, invoice: FailedInvoice) -> str:
        if invoice.hard:
            return "a hard decline, so that trying this card again is useless"
        if invoice.next_attempt_at is None:
            return "no further attempt will be made"
        return f"next attempt on {self._rules.calendar.day_text(invoice.next_attempt_at)}"

    def _reason(self, invoice: FailedInvoice) -> AlertReason:
        values: dict[str, bool | int | float | str] = {
            "invoice_id": invoice.invoice_id,
            "amount_minor": invoice.amount_minor,
            "currency": invoice.currency,
            "attempt": invoice.attempt,
            "hard": invoice.hard,
        }
        if invoice.failure_code is not None:
            values["failure_code"] = invoice.failure_code
        if invoice.next_attempt_at is not None:
            values["next_attempt_at"] = invoice.next_attempt_at
        text = (
            f"Invoice {invoice.invoice_id}: {money(invoice.amount_minor, invoice.currency)}, "
            f"attempt {invoice.attempt} failed"
            + (f" ({invoice.failure_code})" if invoice.failure_code else "")
            + f"; {self._next(invoice)}."
        )
        return AlertReason(code="hard_decline" if invoice.hard else "payment_failed", text=text, values=values)
