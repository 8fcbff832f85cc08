"""Financial years by their end, and that nobody both asks and approves."""

from datetime import date

import pytest

from faitfoi.accounts.duties import Duty, NotApart, check_second_person, member
from faitfoi.accounts.financial_years import financial_year, multirange
from faitfoi.accounts.models import Organisation, Role, User
from faitfoi.accounts.tenancy import NoOrganisation, acting_for, only_days
from faitfoi.records.models import Document
from tests.conftest import make_member


def test_a_day_falls_in_the_financial_year_that_ends_with_the_month_of_closing() -> None:
    assert financial_year(date(2026, 12, 31), ends_in=12).year == 2026
    july = financial_year(date(2026, 7, 1), ends_in=6)
    assert (july.year, july.first_day, july.last_day) == (2027, date(2026, 7, 1), date(2027, 6, 30))
    february = financial_year(date(2028, 2, 29), ends_in=2)
    assert (february.first_day, february.last_day) == (date(2027, 3, 1), date(2028, 2, 29))


def test_years_become_ranges_of_days_and_none_becomes_no_day() -> None:
    assert multirange([2026, 2025], ends_in=12) == "{[2025-01-01,2025-12-31],[2026-01-01,2026-12-31]}"
    assert multirange([], ends_in=12) == "{}"


def check(organisation: Organisation, asked_by: User | str, approved_by: User | str) -> User:
    actors = [each if isinstance(each, str) else f"user:{each.pk}" for each in (asked_by, approved_by)]
    with acting_for(organisation.id):
        return check_second_person(organisation.id, asked_by=actors[0], approved_by=actors[1])


def test_a_manager_approves_what_another_person_asked(cooperative: Organisation, alice: User, bob: User) -> None:
    assert check(cooperative, alice, bob) == bob
    assert check(cooperative, "operator", bob) == bob


def test_nobody_approves_their_own_request_under_any_of_their_accounts(cooperative: Organisation, bob: User) -> None:
    again = make_member(cooperative, "bob+2@trois-vallees.example", role=Role.MANAGER)
    for other in (bob, again):
        with pytest.raises(NotApart, match="même personne"):
            check(cooperative, bob, other)


def test_a_clerk_an_operator_a_stranger_and_one_who_left_approve_nothing(
    cooperative: Organisation, alice: User, bob: User, charlie: User
) -> None:
    second = make_member(cooperative, "lea@trois-vallees.example")
    for approver in (second, "operator", charlie, "user:pas-un-compte"):
        with pytest.raises(NotApart):
            check(cooperative, alice, approver)
    bob.is_active = False
    bob.save()
    with pytest.raises(NotApart):
        check(cooperative, alice, bob)


def test_an_auditor_has_no_duty_but_reading(cooperative: Organisation) -> None:
    auditor = make_member(cooperative, "edith@cabinet.example", role=Role.AUDITOR)
    with acting_for(cooperative.id):
        assert member(cooperative.id, f"user:{auditor.pk}", duty=Duty.READ) == auditor
        for duty in set(Duty) - {Duty.READ}:
            with pytest.raises(NotApart):
                member(cooperative.id, f"user:{auditor.pk}", duty=duty)


def test_days_hold_only_inside_an_organisation_and_are_not_widened_within(cooperative: Organisation) -> None:
    with pytest.raises(NoOrganisation), only_days("{}"):
        pass
    with acting_for(cooperative.id), only_days("{}"):
        assert list(Document.objects.all()) == []
        with pytest.raises(ValueError, match="already"), only_days("{[2026-01-01,2026-12-31]}"):
            pass
    with acting_for(cooperative.id), pytest.raises(ValueError, match="every day"), only_days(""):
        pass
