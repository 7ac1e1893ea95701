"""Two versions in the place of one, for clusters with room for one pod more than the stable version's full size.

Let F be that size and a share be in thousandths. n pods are enough for the share ceil(1000 n / F): each then carries no more than a pod
of the full stable version does, but for a rounding of at most one thousandth. So

    the candidate needs  need(F, w)         and the stable version  need(F, 1000 - w)

pods at weight w, together never more than F + 1. A stage is therefore entered pod by pod: the candidate's weight rises to what its ready
pods carry, the stable version shrinks to what its own present weight needs, the room goes to the candidate, and so on. Until the gateway
was seen to have taken a weight, no pod that the weight before needs is given up.
"""


def need(full: int, share: int) -> int:
    """The fewest pods that are enough for `share` thousandths, where `full` pods carry everything."""
    return 0 if share <= 0 else full * (share - 1) // 1000 + 1


def reach(full: int, pods: int) -> int:
    """The thousandths that `pods` pods are enough for, where `full` pods carry everything."""
    return 1000 if pods >= full else -(-1000 * pods // full)


def copies(full: int) -> int:
    """The most that may be mirrored in shadow, in thousandths: what the one pod beside the full stable version carries, in whole percent
    (gateways may take no fraction)."""
    return max(10, reach(full, 1) // 10 * 10)


def room(full: int, stable: int) -> int:
    """Pods the candidate may have beside `stable` pods: at least the one that there is always room for."""
    return max(1, full + 1 - stable)
