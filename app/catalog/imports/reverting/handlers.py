"""The worker's side of reverts."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.imports.apply.writer import Owner
from app.catalog.imports.events import ImportRevertRequested
from app.catalog.imports.faults import REFUSALS, retry_when_unavailable
from app.catalog.imports.handlers import QUEUE_PAUSE
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.reverting.service import BATCH, RevertService
from app.catalog.models import ImportJob, RevertState
from app.core.audit import record_audit
from app.core.events.events import Delivery, HandlerContext, RetryAfter, delivers


@delivers(ImportRevertRequested)
async def revert_import(outside: HandlerContext, event: ImportRevertRequested, _delivery: Delivery) -> None:
    """Take the import back; never while an import runs. Killed half-way, the next attempt goes on."""
    async with retry_when_unavailable(), outside.transaction() as turn:
        if not await ImportRepository(turn).try_to_run():
            raise RetryAfter("an import is running", QUEUE_PAUSE)
        job = await _begin(outside, event.job_id)
        if job is not None:
            actor_id = job.created_by if event.asked_by is None else event.asked_by
            await _revert(outside, job.id, Owner(actor_id, outside.settings.currency))


async def _begin(outside: HandlerContext, job_id: int) -> ImportJob | None:
    async with outside.transaction() as session:
        job = await ImportRepository(session).lock(job_id)
        if job is None or job.revert_state not in {RevertState.PENDING, RevertState.RUNNING}:
            return None
        job.revert_state = RevertState.RUNNING
    return job


async def _revert(outside: HandlerContext, job_id: int, owner: Owner) -> None:
    after: int | None = 0
    size = BATCH
    while after is not None:
        try:
            after = await _take_back(outside, job_id, owner, after, size)
            size = min(2 * size or 1, BATCH)
        except REFUSALS:
            # What a book had may be gone or another's by now: found by halving, that row is left alone.
            size //= 2
    async with outside.transaction() as session:
        imports = ImportRepository(session)
        reverted, left = await (await _service(session, job_id, owner)).finish()
        held = await imports.lock(job_id)
        if held is not None:
            held.revert_state, held.reverted, held.left_alone = RevertState.COMPLETED, reverted, left
        counts = {"reverted": (None, reverted), "left": (None, left)}
        record_audit(session, "import.reverted", ("import", job_id), counts, actor_id=owner.user_id)


async def _take_back(outside: HandlerContext, job_id: int, owner: Owner, after: int, size: int) -> int | None:
    async with outside.transaction() as session:
        service = await _service(session, job_id, owner)
        return await service.revert(after, size, owner.user_id) if size else await service.leave(after)


async def _service(session: AsyncSession, job_id: int, owner: Owner) -> RevertService:
    driver = await ImportRepository(session).driver()
    return RevertService.build(session, driver, job_id, owner)
