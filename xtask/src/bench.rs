//! `bench`: the product against its goals, side by side in one run.

use anyhow::bail;

pub(crate) fn run(_arguments: &[&str]) -> anyhow::Result<()> {
    bail!("nothing is measured yet")
}
