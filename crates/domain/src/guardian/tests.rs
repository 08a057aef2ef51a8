use proptest::prelude::*;

use super::*;

const EVERY: SignedDuration = SignedDuration::from_mins(1);

fn noon() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

fn minute(minute: i32) -> Timestamp {
    noon() + EVERY * minute
}

fn hook(state: HookState) -> Hook {
    Hook {
        id: 7,
        state,
        registered_at: None,
        changed_by: None,
        amiss: Vec::new(),
        calls: None,
        errors: None,
        in_a_row: None,
    }
}

/// One that is in order since noon, and was tested then.
fn guard() -> Guard {
    let mut guard = Guard { tested_at: Some(noon()), ..Guard::default() };
    assert_eq!(look(&mut guard, hook(HookState::Active), 0), []);
    guard
}

fn look(guard: &mut Guard, hook: Hook, at: i32) -> Vec<Order> {
    guard.looked(&Look::There(hook), Arrivals::default(), Rearm::Errors, EVERY, minute(at))
}

fn sweeps(orders: &[Order]) -> Vec<(Timestamp, Timestamp)> {
    let span = |order: &Order| match order {
        Order::Sweep { from, until, .. } => Some((*from, *until)),
        _ => None,
    };
    orders.iter().filter_map(span).collect()
}

fn is_alert(order: &Order) -> bool {
    matches!(order, Order::Alert { .. })
}

fn is_recovery(order: &Order) -> bool {
    matches!(order, Order::Recovered { .. })
}

#[test]
fn too_many_errors_is_told_and_switched_on_and_exactly_the_gap_is_asked_for() {
    let mut guard = guard();
    let orders = look(&mut guard, hook(HookState::TooManyErrors), 1);
    assert!(is_alert(&orders[0]), "{orders:?}");
    assert_eq!(orders[1], Order::Rearm { id: 7, mend: false });
    let orders = guard.rearmed(Ok(()), minute(2));
    assert_eq!(sweeps(&orders), [(noon() - OVERLAP, minute(2))]);
    assert!(is_recovery(&orders[1]), "{orders:?}");
    assert_eq!(look(&mut guard, hook(HookState::Active), 3), []);
}

#[test]
fn it_is_not_switched_on_into_a_receiver_that_does_not_answer_and_the_pauses_grow() {
    let mut guard = guard();
    let mut tries = Vec::new();
    for at in 1..=90 {
        let orders = look(&mut guard, hook(HookState::TooManyErrors), at);
        assert_eq!(orders.iter().filter(|order| is_alert(order)).count(), usize::from(at == 1));
        if orders.iter().any(|order| matches!(order, Order::Rearm { .. })) {
            tries.push(at);
            assert_eq!(guard.rearmed(Err("no answer".into()), minute(at)), []);
        }
    }
    assert_eq!(tries, [1, 2, 7, 22, 82]);
    assert!(guard.trouble.as_ref().unwrap().words.ends_with("(it was not switched on again: no answer)"));
}

#[test]
fn what_does_not_hold_is_switched_on_later_each_time() {
    let mut guard = guard();
    let (mut on_since, mut tries) = (None, Vec::new());
    for at in 1..=60 {
        // Every time it is switched on it is switched off within two minutes.
        let is_on = on_since.is_some_and(|since| at - since < 2);
        let state = if is_on { HookState::Active } else { HookState::TooManyErrors };
        let orders = look(&mut guard, hook(state), at);
        if orders.iter().any(|order| matches!(order, Order::Rearm { .. })) {
            tries.push(at);
            on_since = Some(at);
            guard.rearmed(Ok(()), minute(at));
        }
    }
    assert_eq!(tries, [1, 3, 8, 23]);
}

#[test]
fn what_a_person_stopped_is_told_and_left_alone_unless_configured() {
    let mut stopped = hook(HookState::Stopped);
    stopped.changed_by = Some("Kari Nordmo".into());
    let mut one = guard();
    let orders = look(&mut one, stopped.clone(), 1);
    assert!(
        matches!(&orders[..], [Order::Alert { words, .. }] if words.contains("by Kari Nordmo")),
        "{orders:?}"
    );
    assert_eq!(look(&mut one, stopped.clone(), 2), [], "it is told once");
    // The person switches it on again.
    let orders = look(&mut one, hook(HookState::Active), 30);
    assert_eq!(sweeps(&orders), [(noon() - OVERLAP, minute(30))]);
    assert!(orders.iter().any(is_recovery));

    let orders = guard().looked(&Look::There(stopped), Arrivals::default(), Rearm::Always, EVERY, minute(1));
    assert_eq!(orders[1], Order::Rearm { id: 7, mend: true });
    let off = Look::There(hook(HookState::TooManyErrors));
    let orders = guard().looked(&off, Arrivals::default(), Rearm::Never, EVERY, minute(1));
    assert_eq!(orders.len(), 1, "it is only told: {orders:?}");
}

#[test]
fn a_webhook_that_is_gone_or_sends_elsewhere_is_told_and_the_gap_ends_when_it_is_right_again() {
    let mut guard = guard();
    let orders = guard.looked(&Look::Missing, Arrivals::default(), Rearm::Errors, EVERY, minute(1));
    assert!(is_alert(&orders[0]) && orders.len() == 1);
    let mut elsewhere = hook(HookState::Active);
    elsewhere.amiss.push("it sent to https://old.example".into());
    assert_eq!(look(&mut guard, elsewhere, 2), [], "it is still the same trouble, told once");
    let orders = look(&mut guard, hook(HookState::Active), 9);
    assert_eq!(sweeps(&orders), [(noon() - OVERLAP, minute(9))]);
}

#[test]
fn deliveries_that_failed_are_asked_for_once_they_arrive_again() {
    let counted = |errors, in_a_row| Hook {
        calls: Some(10),
        errors: Some(errors),
        in_a_row: Some(in_a_row),
        ..hook(HookState::Active)
    };
    let mut guard = guard();
    assert_eq!(look(&mut guard, counted(0, 0), 1), []);
    assert_eq!(look(&mut guard, counted(2, 2), 2), []);
    assert_eq!(look(&mut guard, counted(4, 4), 3), []);
    assert_eq!(sweeps(&look(&mut guard, counted(4, 0), 4)), [(minute(1) - OVERLAP, minute(4))]);
    assert_eq!(look(&mut guard, counted(4, 0), 5), []);
}

#[test]
fn the_first_failures_of_a_webhook_that_is_new_are_asked_for() {
    let counted = |errors, in_a_row| Hook {
        registered_at: Some(noon()),
        errors: Some(errors),
        in_a_row: Some(in_a_row),
        ..hook(HookState::Active)
    };
    let mut guard = Guard { tested_at: Some(noon()), ..Guard::default() };
    assert_eq!(sweeps(&look(&mut guard, counted(2, 0), 1)), [(noon() - OVERLAP, minute(1))]);
    assert_eq!(look(&mut guard, counted(2, 0), 2), []);
    // While they fail at the first look, they are asked for when they arrive again.
    let mut guard = Guard { tested_at: Some(noon()), ..Guard::default() };
    assert_eq!(look(&mut guard, counted(5, 2), 1), []);
    assert_eq!(sweeps(&look(&mut guard, counted(5, 0), 2)), [(noon() - OVERLAP, minute(2))]);
    // What failed long ago is not looked for.
    let old = Hook { registered_at: Some(noon() - LOOKS_BACK * 9), ..counted(2, 0) };
    let mut guard = Guard { tested_at: Some(noon()), ..Guard::default() };
    assert_eq!(sweeps(&look(&mut guard, old, 0)), [(noon() - LOOKS_BACK - OVERLAP, noon())]);
}

#[test]
fn when_the_test_of_a_day_does_not_arrive_everything_since_the_last_proof_is_asked_for() {
    let mut guard = guard();
    let day = 24 * 60;
    let at = |at: i32| Arrivals { newest: 1, at: Some(minute(at)) };
    for now in 1..=day {
        let look = Look::There(hook(HookState::Active));
        let orders = guard.looked(&look, at(5), Rearm::Errors, EVERY, minute(now));
        assert_eq!(orders.contains(&Order::Test), now == day);
    }
    assert!(is_alert(&guard.tested(Err("nothing".into()), minute(day))[0]));
    let orders = guard.tested(Ok(()), minute(day + 10));
    assert_eq!(sweeps(&orders), [(minute(5) - OVERLAP, minute(day + 10))]);
    assert_eq!(guard.proved_at, Some(minute(day + 10)));
}

#[test]
fn what_a_person_put_right_is_switched_on_at_once_the_next_time() {
    let mut guard = guard();
    for at in 1..=30 {
        if look(&mut guard, hook(HookState::TooManyErrors), at)
            .iter()
            .any(|order| matches!(order, Order::Rearm { .. }))
        {
            guard.rearmed(Err("no answer".into()), minute(at));
        }
    }
    // A person mends the receiver, and switches it on.
    assert!(look(&mut guard, hook(HookState::Active), 31).iter().any(is_recovery));
    let orders = look(&mut guard, hook(HookState::TooManyErrors), 32);
    assert!(orders.contains(&Order::Rearm { id: 7, mend: false }), "{orders:?}");
}

#[test]
fn a_restart_asks_for_the_time_in_which_nobody_looked() {
    let mut guard = guard();
    assert_eq!(sweeps(&look(&mut guard, hook(HookState::Active), 45)), [(noon() - OVERLAP, minute(45))]);
    assert_eq!(look(&mut guard, hook(HookState::Active), 46), []);
}

#[test]
fn an_unlikely_silence_is_tested_and_a_test_that_does_not_arrive_is_an_alert() {
    let mut guard = guard();
    let mut newest = 0;
    let mut seen = |guard: &mut Guard, at: i32, arrives: bool| {
        newest += i64::from(arrives);
        let arrivals = Arrivals { newest, at: Some(if arrives { minute(at) } else { minute(100) }) };
        guard.looked(&Look::There(hook(HookState::Active)), arrivals, Rearm::Errors, EVERY, minute(at))
    };
    for at in 1..=100 {
        assert_eq!(seen(&mut guard, at, true), []);
    }
    // The same hours a week later are as lively, as far as is known.
    let (week, mut found) = (7 * 24 * 60, None);
    guard.good_at = Some(minute(week));
    guard.tested_at = Some(minute(week));
    guard.silence_from = Some(minute(week));
    for at in week + 1..week + 60 {
        let orders = seen(&mut guard, at, false);
        if !orders.is_empty() {
            found = Some((at - week, orders));
            break;
        }
    }
    let (after, orders) = found.expect("the silence is noticed");
    assert!(after <= 30, "after {after} minutes");
    assert_eq!(orders[0], Order::Test);
    assert_eq!(sweeps(&orders).len(), 1);
    let now = minute(week + after);
    let orders = guard.tested(Err("no 200".into()), now);
    assert!(matches!(&orders[..], [Order::Alert { .. }]), "{orders:?}");
    assert_eq!(guard.tested(Err("no 200".into()), now + TEST_AGAIN), []);
    let orders = guard.tested(Ok(()), now + TEST_AGAIN * 2);
    assert!(orders.iter().any(is_recovery) && sweeps(&orders).len() == 1);
}

#[test]
fn a_test_is_sent_once_a_day() {
    let mut guard = guard();
    let mut tests = Vec::new();
    for at in 1..=3 * 24 * 60 {
        if look(&mut guard, hook(HookState::Active), at).contains(&Order::Test) {
            tests.push(at / 60);
            assert_eq!(guard.tested(Ok(()), minute(at)), []);
        }
    }
    assert_eq!(tests, [24, 48, 72]);
}

proptest! {
    #[test]
    fn alerts_and_recoveries_alternate_and_no_moment_of_trouble_is_left_out(
        states in prop::collection::vec((0_u8..4, any::<bool>(), 1_i32..20), 1..80)
    ) {
        let mut guard = guard();
        let (mut at, mut is_down, mut down_from) = (0, false, noon());
        for (state, holds, later) in states {
            let before = minute(at);
            at += later;
            let look = match state {
                0 => Look::There(hook(HookState::TooManyErrors)),
                1 => Look::There(hook(HookState::Stopped)),
                2 => Look::Missing,
                _ => Look::There(hook(HookState::Active)),
            };
            let mut orders = guard.looked(&look, Arrivals::default(), Rearm::Errors, EVERY, minute(at));
            if orders.iter().any(|order| matches!(order, Order::Rearm { .. })) {
                orders.extend(guard.rearmed(if holds { Ok(()) } else { Err("no".into()) }, minute(at)));
            }
            for order in &orders {
                if is_alert(order) {
                    prop_assert!(!is_down);
                    (is_down, down_from) = (true, before);
                }
                if is_recovery(order) {
                    prop_assert!(is_down);
                    is_down = false;
                    let covered = sweeps(&orders);
                    prop_assert!(covered.iter().any(|(from, until)| *from <= down_from && *until == minute(at)));
                }
            }
        }
    }
}
