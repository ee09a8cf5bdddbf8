"""What became of each Execute, by X-RequestId: for the comparison with what the servers executed.

Kept only where somebody wants it: a line for each Execute is much for a crowd.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field


@define
class Receipts:
    """One for as many Outlooks as are to be compared at once.

    :ivar sent: X-RequestId → login of its user, of every Execute that was given to a connection.
    :ivar answered: those that were answered well.
    """

    sent: dict[str, str] = field(factory=dict)
    answered: set[str] = field(factory=set)

    def unknown(self) -> list[str]:
        """Sent and not answered well."""
        return [request_id for request_id in self.sent if request_id not in self.answered]

    def compare(self, executions: Mapping[str, int]) -> list[str]:
        """What must not be, given how often each was executed by all servers together; empty: all is well.

        :param executions: as :attr:`mapiproxy.lab.backend.LabBackend.executions`, or counted from journals.
        """
        found = [f"{each} was executed {count} times" for each, count in executions.items() if count > 1]
        found += [
            f"{each} was answered and not executed" for each in self.answered if not executions.get(each)
        ]
        found += [f"{each} was executed and never sent" for each in executions if each not in self.sent]
        return found
