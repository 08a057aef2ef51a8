//! What happens to a process's requests to the database: waits, refusals, a full disk, and commits of which nobody hears.

use std::sync::Arc;

use async_trait::async_trait;
use connector_faults::sometimes;
use connector_store::StoreError;
use connector_store::sqlite::inline::{Kind, Weather};
use tokio::time::Instant;

use crate::audit;
use crate::world::{Life, World};

/// One process's weather.
pub struct Storms {
    world: Arc<World>,
    life: Arc<Life>,
}

impl Storms {
    /// The weather of this process.
    pub fn new(world: Arc<World>, life: Arc<Life>) -> Self {
        Self { world, life }
    }

    fn refused(&self) -> StoreError {
        self.world.state().store_trouble = Some(Instant::now());
        match self.world.between(0, 2) {
            0 => StoreError::Busy(8192),
            1 => StoreError::Full,
            _ => StoreError::Unavailable("the disk does not answer".into()),
        }
    }
}

#[async_trait]
impl Weather for Storms {
    async fn before(&self, kind: Kind) -> Result<(), StoreError> {
        let world = &self.world;
        self.life.may_die(world).await;
        world.latency(world.knobs.store_latency).await;
        self.life.may_die(world).await;
        if world.is_out("store").is_some() {
            sometimes("store_outage");
            return Err(self.refused());
        }
        if world.fault(world.knobs.store_refusals) {
            sometimes("store_refused");
            return Err(self.refused());
        }
        if kind == Kind::Write {
            audit::acts(world, &self.life);
        }
        Ok(())
    }

    async fn after(&self, kind: Kind) -> Result<(), StoreError> {
        let world = &self.world;
        if kind == Kind::Write {
            let leased = audit::look(world);
            self.life.may_die(world).await;
            if world.fault(world.knobs.store_unknown) {
                sometimes("commit_unknown_landed");
                audit::unheard(world, &leased);
                let mut state = world.state();
                state.store_trouble = Some(Instant::now());
                // Perhaps it was a lease, of which nobody knows now.
                state.interruptions += 1;
                return Err(StoreError::Unavailable("the answer to a commit was lost".into()));
            }
        }
        self.life.goes_on().await;
        Ok(())
    }
}
