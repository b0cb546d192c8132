"""Kinds of fault that were seen in tools that do this job, each with the tests that hold it here.

The numbers are those of the list that was worked through; `kinds` that are believed to hold come
last. The test below fails where a test that is named here is not there any more.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
GATES = "bench/judge/test_gates.py"
OUTER = "bench/run/test_outer.py"
MACHINES = "bench/run/test_machines.py"
REVISIONS = "bench/run/test_revisions.py"
SHELLS = "bench/cli/test_shells.py"
SERIES = "tasks/data/test_series_file.py"
FILES = "tasks/data/test_files.py"
COMMANDS = "bench/history/test_commands.py"
DOWNLOADS = "tasks/data/test_download.py"
FAULTS = "bench/run/test_faults.py"

FIELD: dict[str, tuple[tuple[str, str], ...]] = {
    "1 newest run of a history on another machine": (
        (GATES, "test_a_history_is_green_over_what_its_newest_run_was_judged_in"),
        ("bench/history/test_series.py", "test_a_run_of_another_machine_is_not_judged"),
    ),
    "2 a date that is none": ((COMMANDS, "test_a_mistake_is_one_line_and_exit_2"),),
    "3 a contender is lost": (
        (GATES, "test_only_two_whole_runs_of_one_machine_are_green"),
        (GATES, "test_every_lost_cell_is_a_case_of_junit"),
    ),
    "4 a run against itself": (
        ("bench/judge/test_compare.py", "test_a_run_says_nothing_of_itself"),
        (REVISIONS, "test_one_code_against_itself_is_refused"),
    ),
    "5 resumed with other pins, code or data": (
        (OUTER, "test_a_run_goes_on_with_its_own_pins"),
        (OUTER, "test_other_code_or_pins_are_refused"),
        (OUTER, "test_altered_data_are_refused"),
        (OUTER, "test_a_comparison_that_was_stopped_is_gone_on_with_as_a_whole"),
        (OUTER, "test_one_side_of_a_comparison_is_not_gone_on_with_alone"),
    ),
    "6 separators, decimal marks, thousands": (
        (SERIES, "test_read_rightly_and_said"), (SERIES, "test_refused_in_one_line"),
    ),
    "7 a series newest first": ((SERIES, "test_the_order_changes_what_is_trained_on"),),
    "8 a set's own split": (
        (FILES, "test_the_sets_own_split_is_used_and_said"),
        (FILES, "test_common_names_of_a_held_out_part"),
        (FILES, "test_pictures_beside_a_split_are_refused"),
    ),
    "9 digits as torchvision leaves them": (
        (FILES, "test_digits_where_torchvision_leaves_them"),
        (FILES, "test_a_fall_back_to_embedded_data_is_said"),
    ),
    "10 variables of the shell": (
        ("bench/run/test_variables.py", "test_twenty_hostile_variables_change_nothing"),
    ),
    "11 quotas of control groups": (
        ("bench/machine/test_cores.py", "test_version_2_with_its_parents"),
        ("bench/machine/test_cores.py", "test_version_1_has_files_of_its_own"),
        (OUTER, "test_control_groups_that_cannot_be_read_are_not_none"),
        (OUTER, "test_half_a_core_and_a_gibibyte_for_real"),
    ),
    "12 equal cores for all": (
        ("bench/machine/test_cores.py", "test_one_of_each_pair_of_siblings_first"),
        (MACHINES, "test_all_workers_are_given_the_same_cores"),
    ),
    "13 a training part that never changes": ((SERIES, "test_refused_in_one_line"),),
    "14 load on cores that are not ours": (
        (OUTER, "test_load_on_cores_that_are_not_ours_is_no_disturbance"),
    ),
    "15 outer failures are tried again": (
        (OUTER, "test_outer_reasons"),
        (OUTER, "test_what_was_not_installed_is_measured_once_it_is"),
    ),
    "16 a reboot is no other machine": (
        ("bench/run/test_session.py", "test_a_reboot_is_not_another_machine"),
    ),
    "17 git missing, shallow, in doubt": (
        (REVISIONS, "test_without_git_a_revision_is_one_line"),
        (REVISIONS, "test_a_shallow_clone_says_so"),
        (REVISIONS, "test_gits_own_reason_is_told"),
        (REVISIONS, "test_a_folder_inside_of_another_repository_has_no_revision"),
    ),
    "18 a notebook's MPLBACKEND": ((SHELLS, "test_a_strange_shell_changes_no_byte"),),
    "19 a matplotlibrc in the folder": ((SHELLS, "test_a_strange_shell_changes_no_byte"),),
    "20 terminals and locales that are not UTF-8": (
        (SHELLS, "test_a_strange_shell_changes_no_byte"),
        (SHELLS, "test_every_file_is_opened_as_utf_8"),
    ),
    "21 marks of a terminal's language in a reason": (
        (SHELLS, "test_a_reason_with_brackets_is_printed_as_it_is"),
    ),
    "22 brackets in a path": (
        (MACHINES, "test_a_checkout_in_a_folder_with_brackets_measures"),
        (MACHINES, "test_a_run_in_an_odd_folder_is_made_reported_and_listed"),
        (MACHINES, "test_a_name_of_bytes_that_are_no_text"),
    ),
    "23 an interpreter that has gone": (
        (MACHINES, "test_an_environment_that_is_broken_is_made_anew"),
        (MACHINES, "test_an_interpreter_that_cannot_be_started_is_a_reason"),
    ),
    "24 a half unpacked revision": (
        (REVISIONS, "test_a_half_unpacked_revision_is_unpacked_again"),
    ),
    "25 a package without metadata": ((MACHINES, "test_half_installed_packages_are_named"),),
    "26 a container's memory limit": (
        (OUTER, "test_memory_that_the_kernel_took_is_typed_with_the_limit"),
        (FAULTS, "test_workers_that_misbehave_are_typed"),
    ),
    "27 archives of any method": (
        (FILES, "test_archives_that_python_cannot_read_are_a_line"),
        (FILES, "test_bombs_are_not_unpacked"),
    ),
    "28 other users, no home": (
        (MACHINES, "test_a_second_user_reads_what_the_first_has_decoded"),
        (MACHINES, "test_another_uid_without_a_home"),
        (MACHINES, "test_without_a_home_the_cache_says_so"),
    ),
    "29 read-only folders, no locks": (
        (MACHINES, "test_no_locks_is_not_another_process"),
        (MACHINES, "test_a_folder_that_cannot_be_written_says_why"),
        (MACHINES, "test_a_full_disk_leaves_nothing_half_written"),
    ),
    "30 pip's own settings": (
        (MACHINES, "test_settings_of_pip_that_send_packages_elsewhere_are_dropped"),
    ),
    "31 a seed beyond 32 bits": (
        ("bench/cli/test_cli.py", "test_a_mistake_is_one_line_and_exit_2"),
    ),
    "32 a package by its other spelling": (
        (REVISIONS, "test_a_package_has_one_name_however_it_is_written"),
    ),
    "33 a clock that was wrong, an old revision measured late": (
        (COMMANDS, "test_a_run_from_the_future_is_said"),
        (COMMANDS, "test_an_old_revision_that_was_measured_late_is_said"),
    ),
    "work that is not waited for": (
        ("bench/run/test_runner.py",
         "test_every_misbehaviour_is_a_typed_record_and_the_others_stand"),
    ),
    "the parent's memory is not the worker's": (
        ("bench/worker/test_known_cost.py", "test_memory_that_is_held_is_seen"),
    ),
    "trials left running after a kill": (
        (FAULTS, "test_killed_at_random_instants_nothing_is_lost_or_doubled"),
        ("bench/run/test_sitting.py", "test_a_killed_runner_leaves_no_process_behind"),
    ),
    "a download that breaks off, changes or comes from elsewhere": (
        (DOWNLOADS, "test_what_broke_off_goes_on"),
        (DOWNLOADS, "test_a_killed_download_goes_on"),
        (DOWNLOADS, "test_a_file_that_changed_in_between_is_begun_anew"),
        (DOWNLOADS, "test_two_versions_put_together_are_refused_by_the_hash_and_begun_anew"),
        (DOWNLOADS, "test_two_at_once_do_not_mix"),
        (DOWNLOADS, "test_no_download_fills_the_disk"),
        (DOWNLOADS, "test_proxies_of_the_environment_are_used"),
        (DOWNLOADS, "test_a_secure_server_is_checked_and_may_not_send_elsewhere"),
    ),
    "damaged pictures": ((FILES, "test_what_is_no_picture_is_damaged"),),
    "pickled archives": (
        ("bench/records/test_readers.py", "test_every_reader_answers_bad_input_in_a_line"),
    ),
}  # fmt: skip


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("kind", FIELD)
def test_every_kind_of_fault_has_its_test(kind: str) -> None:
    for file, name in FIELD[kind]:
        assert name in names_in(ROOT / file), f"{file} has no {name}"


def test_no_number_is_left_out() -> None:
    numbers = [int(kind.split()[0]) for kind in FIELD if kind[0].isdigit()]
    assert numbers == list(range(1, 34))
