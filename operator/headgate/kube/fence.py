"""No write without leadership: the one place where it is asked."""

from collections.abc import Callable

from headgate.kube.client import KubeClient


class NotLeading(Exception):  # noqa: N818  a state of this process, not a fault of the request
    """This process does not hold the lease (any more). What was to be written is for the leader to decide."""


def fenced(api: KubeClient, leading: Callable[[], bool]) -> KubeClient:
    """`api` whose writes raise NotLeading unless `leading()`. Asked anew before each try of each write: a process that was frozen, even
    between two tries, finds out at once."""

    def enter() -> None:
        if not leading():
            raise NotLeading("this process does not hold the lease")

    return api.permitted(enter)
