//! Runs seeds, one after the other, and says what they found.

#![expect(clippy::print_stdout, reason = "it talks to the person who runs it")]

fn main() {
    let seed: u64 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let count: u64 = std::env::args().nth(2).and_then(|word| word.parse().ok()).unwrap_or(1);
    let house = connector_simulation::House::new().expect("the built-in texts can be read");
    let begun = std::time::Instant::now();
    let mut bad = 0;
    for seed in seed..seed + count {
        let outcome = house.run(seed);
        if !outcome.violations.is_empty() {
            bad += 1;
            if bad <= 3 {
                println!("{:?}", outcome.knobs);
                for line in &outcome.last {
                    println!("{line}");
                }
            }
            println!("seed {seed}: {:?}", outcome.violations[0]);
        } else if count == 1 {
            for line in &outcome.last {
                println!("{line}");
            }
            println!(
                "{:x} age {} writes {} events {}",
                outcome.sum, outcome.age, outcome.writes, outcome.events
            );
        }
    }
    println!("{bad} bad of {count} in {:?}; met {:?}", begun.elapsed(), connector_faults::met::take());
}
