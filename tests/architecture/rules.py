"""Every rule; a new one is a function in its theme's file, a line here and a planted breach."""

from .comments import (
    no_test_is_skipped,
    nothing_is_put_off,
    ruff_ignores_give_a_reason,
    suppressions_give_code_and_reason,
)
from .engine import Breach, Project
from .errors import (
    docstrings_say_raises,
    error_codes_are_unique,
    error_leaves_are_complete,
    faults_are_logged_as_they_are,
    no_http_exception,
    no_try_in_routers,
)
from .hygiene import locks_have_no_index_options, no_machine_path_is_named, no_registry_is_named
from .layers import (
    app_knows_no_devstack,
    feature_folders_have_no_cycles,
    folders_are_packages,
    imports_have_no_cycles,
    layers_point_downwards,
    models_stay_in_their_domain,
    services_know_no_framework,
)
from .sql import (
    patches_stay_typed,
    queries_only_read,
    relationships_raise_when_lazy,
    repositories_return_types,
    sql_is_run_in_repositories,
    sql_is_written_in_repositories,
)
from .style import (
    assignments_have_two_targets,
    files_are_named_for_what_they_hold,
    files_are_short,
    functions_are_short,
    imports_stand_at_the_top,
    literals_are_not_starred,
    modules_open_with_a_sentence,
    one_clock,
    parameters_are_few,
)
from .transactions import (
    errors_that_keep_writes_are_listed,
    no_network_inside_a_transaction,
    only_the_unit_of_work_commits,
    redis_is_reached_through_core,
)

RULES = (
    layers_point_downwards,
    services_know_no_framework,
    models_stay_in_their_domain,
    app_knows_no_devstack,
    folders_are_packages,
    imports_have_no_cycles,
    feature_folders_have_no_cycles,
    only_the_unit_of_work_commits,
    errors_that_keep_writes_are_listed,
    no_network_inside_a_transaction,
    redis_is_reached_through_core,
    error_leaves_are_complete,
    error_codes_are_unique,
    docstrings_say_raises,
    faults_are_logged_as_they_are,
    no_http_exception,
    no_try_in_routers,
    sql_is_written_in_repositories,
    sql_is_run_in_repositories,
    repositories_return_types,
    queries_only_read,
    patches_stay_typed,
    relationships_raise_when_lazy,
    files_are_short,
    functions_are_short,
    parameters_are_few,
    literals_are_not_starred,
    assignments_have_two_targets,
    imports_stand_at_the_top,
    files_are_named_for_what_they_hold,
    one_clock,
    modules_open_with_a_sentence,
    suppressions_give_code_and_reason,
    ruff_ignores_give_a_reason,
    nothing_is_put_off,
    no_test_is_skipped,
    no_registry_is_named,
    locks_have_no_index_options,
    no_machine_path_is_named,
)


def breaches_of(project: Project) -> list[Breach]:
    """Everything in the project that breaks a rule."""
    return sorted({breach for rule in RULES for breach in rule.check(project)})
