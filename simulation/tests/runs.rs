//! A world in which nothing goes wrong, and the same world twice.

use connector_simulation::dice::Dice;
use connector_simulation::{House, Knobs};

#[test]
fn where_nothing_goes_wrong_every_promise_holds() {
    let outcome = House::new().unwrap().run_with(Knobs::calm(), Dice::of(1));
    assert_eq!(outcome.violations, [], "{}", outcome.last.join("\n"));
    assert!(outcome.writes > 0 && outcome.events > 0, "something was done");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let house = House::new().unwrap();
    for seed in 0..5 {
        assert_eq!(house.run(seed).sum, house.run(seed).sum, "seed {seed}");
    }
}

/// The list says beside each seed what it once found.
#[test]
fn what_was_found_once_stays_mended() {
    let house = House::new().unwrap();
    for line in include_str!("../seeds.txt").lines() {
        let Some(seed) = line.split('#').next().and_then(|seed| seed.trim().parse().ok()) else { continue };
        let outcome = house.run(seed);
        assert_eq!(outcome.violations, [], "{line}: {}", outcome.last.join("\n"));
    }
}
