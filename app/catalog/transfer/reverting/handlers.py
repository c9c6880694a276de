"""The worker's side of reverts."""

from app.catalog.models import ImportJob
from app.catalog.transfer.apply.writer import Owner
from app.catalog.transfer.imports.events import ImportRevertRequested
from app.catalog.transfer.imports.handlers import QUEUE_PAUSE
from app.catalog.transfer.imports.repository import ImportRepository
from app.catalog.transfer.imports.schemas import RevertState
from app.catalog.transfer.reverting.service import RevertService
from app.core.audit import audit
from app.core.events import Delivery, Later, Outside, delivers


@delivers(ImportRevertRequested)
async def revert_import(outside: Outside, event: ImportRevertRequested, _delivery: Delivery) -> None:
    """Take the import back; never while an import runs. Killed half-way, the next attempt goes on."""
    async with outside.transaction() as turn:
        if not await ImportRepository(turn).try_to_run():
            raise Later("an import is running", QUEUE_PAUSE)
        job = await _begin(outside, event.job_id)
        if job is not None:
            await _revert(outside, job)


async def _begin(outside: Outside, job_id: int) -> ImportJob | None:
    async with outside.transaction() as session:
        job = await ImportRepository(session).lock(job_id)
        if job is None or job.revert_state not in {RevertState.PENDING, RevertState.RUNNING}:
            return None
        job.revert_state = RevertState.RUNNING
    return job


async def _revert(outside: Outside, job: ImportJob) -> None:
    owner = Owner(job.created_by, outside.settings.currency)
    after: int | None = 0
    while after is not None:
        async with outside.transaction() as session:
            driver = await ImportRepository(session).driver()
            service = RevertService.build(session, driver, job.id, owner)
            after = await service.revert(after, job.created_by)
    async with outside.transaction() as session:
        imports = ImportRepository(session)
        driver = await imports.driver()
        reverted, left = await RevertService.build(session, driver, job.id, owner).finish()
        held = await imports.lock(job.id)
        if held is not None:
            held.revert_state, held.reverted, held.left_alone = RevertState.COMPLETED, reverted, left
        counts = {"reverted": (None, reverted), "left": (None, left)}
        await audit(session, "import.reverted", ("import", job.id), counts, actor_id=job.created_by)
