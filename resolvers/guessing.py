"""The customers and products of an order, asked for while the order itself is on its way.

Begun with the order's own call, through the loader that the next wave will ask: a right guess is
then on its way already and costs nothing more. A wrong one is waited for by nobody; what is still
on the wire ends with the operation. How guesses turned out is told to `Guesses`, which limits them.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager

from projections.selection import PageKey, Root, leads_on
from projections.store import Cut
from projections.versions import ORDER, AggregateKey
from resolvers.answer import Answer
from resolvers.loaders import LiveLoader
from resolvers.projected import Projected
from resolvers.speculation import guessed_keys
from resolvers.upstream.live_demand import LiveDemand


class Guessing:
    """The guesses of one root field."""

    def __init__(self, projected: Projected, live: LiveLoader) -> None:
        self._projected = projected
        self._live = live
        self._guesses = live.guesses
        self._links = live.links
        self._asked_at_s: dict[AggregateKey, float] = {}

    def asked_at_s(self, key: AggregateKey, *, else_s: float) -> float:
        """When this reader asked for it (s of the loop): ahead, or else at ``else_s``."""
        return self._asked_at_s.get(key, else_s)

    def begin(
        self,
        root: Root,
        rows: Collection[AggregateKey],
        pages: Collection[PageKey],
        answer: Answer,
    ) -> Coroutine[None, None, None] | None:
        """Ask for what these may lead to, which are about to be fetched.

        Where the projection has to be asked first whom that is, what does so is returned, to be run
        beside; nobody need wait for its end.
        """
        orders = [key for key in rows if key.type is ORDER]
        if self._guesses is None or not (orders or pages) or not leads_on(root):
            return None
        if self._is_known(orders, pages):
            self._begin(root, answer, self._projected.cut)
            return None
        cut = self._projected.look_at_hand(root)
        if cut is None:
            return self._look_and_begin(root, answer)
        self._begin(root, answer, cut, is_cut_of_root=True)
        return None

    @contextmanager
    def judged_by(self, answer: Answer) -> Iterator[None]:
        """Tell how the guesses turned out when the block has completed the answer."""
        try:
            yield
        except BaseException:
            if self._guesses is not None:
                self._guesses.budget.release(len(self._asked_at_s))
            raise
        self._judge(answer)

    def _is_known(self, orders: Collection[AggregateKey], pages: Collection[PageKey]) -> bool:
        """Is there nothing more to learn from the projection?"""
        if self._links is None or self._projected.is_off:
            return True
        cut, links = self._projected.cut, self._links
        return all(key in cut.rows or links.of(key) for key in orders) and all(
            key in cut.pages for key in pages
        )

    async def _look_and_begin(self, root: Root, answer: Answer) -> None:
        self._begin(root, answer, await self._projected.look(root), is_cut_of_root=True)

    def _begin(self, root: Root, answer: Answer, cut: Cut, *, is_cut_of_root: bool = False) -> None:
        if self._guesses is None or self._links is None:
            return
        keys = guessed_keys(root, answer, cut, self._links, is_cut_of_root=is_cut_of_root)
        unguessed = [key for key in keys if key not in self._asked_at_s]
        paths = self._projected.paths_ahead(unguessed, answer)
        now_s = asyncio.get_running_loop().time()
        if not paths or not self._guesses.take(len(paths), now_s):
            return
        self._asked_at_s.update(dict.fromkeys(paths, now_s))
        self._live.begin_rows(
            {key: LiveDemand(path.at_least, path.may_share) for key, path in paths.items()}
        )

    def _judge(self, answer: Answer) -> None:
        if self._guesses is None or not self._asked_at_s:
            return
        wrong = [key for key in self._asked_at_s if key not in answer.components]
        self._live.note_wasted(wrong)
        right_count = len(self._asked_at_s) - len(wrong)
        now_s = asyncio.get_running_loop().time()
        self._guesses.judge(now_s, right_count=right_count, wrong_count=len(wrong))
