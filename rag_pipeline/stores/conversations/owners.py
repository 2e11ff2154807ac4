"""Whose the conversations are that older versions kept by a token's name, or, where it had none, by its position in the setting.

Belongs here: handing them over, once. Not here: the schema (``migrations``), who has which token (``rag_pipeline.access``).

A name was chosen for a person, so its conversations go to the token that bears it now. A position moves when a token before it is taken
out, and the next person would have them. So positions are only followed while nothing speaks against it: when each position that has
conversations still has an unnamed token. Otherwise they are nobody's. What is nobody's stays in the database under ``unclaimed:`` and
the name, where one UPDATE by hand finds its owner; showing it to the wrong one could not be undone. It happens once, when tokens are
first known: a token made later under an old name inherits nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from rag_pipeline.stores.conversations.tables import CONVERSATIONS

FORMER, UNCLAIMED = "former:", "unclaimed:"
_POSITION = re.compile(r"token [1-9][0-9]*")


async def hand_over(connection: AsyncConnection, former_owners: Mapping[str, str]) -> None:
    """Give the conversations of older versions to the digests of their owners; nothing while no tokens are set."""
    if not former_owners:
        return
    owner = CONVERSATIONS.c.owner
    marked = (await connection.scalars(sa.select(owner).where(owner.startswith(FORMER)).distinct())).all()
    names = [one.removeprefix(FORMER) for one in marked]
    found = successors(names, former_owners)
    for name in names:
        change = sa.update(CONVERSATIONS).where(owner == FORMER + name)
        await connection.execute(change.values(owner=found.get(name, UNCLAIMED + name)))


def successors(names: Collection[str], former_owners: Mapping[str, str]) -> dict[str, str]:
    """The digests of those who have the conversations of ``names`` now, as far as that is certain."""
    positions = {name for name in names if _POSITION.fullmatch(name)}
    moved = positions - former_owners.keys()
    return {name: former_owners[name] for name in names if name in former_owners and not (moved and name in positions)}
