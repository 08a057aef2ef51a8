//! Company Explorer: what a company is, from evidence.
//!
//! The offline engine needs no model and no account anywhere: it reads the company's own website behind a guard, and
//! says only what it can quote. Carrying the answer to the CRM is the pipeline's work.

mod bench;
pub mod explorer;
pub mod knowledge;
pub mod offline;
pub mod taxonomy;
pub mod website;

pub use explorer::{ExploreError, Explorer};
pub use knowledge::{Knowledge, KnowledgeError};
pub use offline::Offline;
pub use website::{Allow, Website, WebsiteOptions};
