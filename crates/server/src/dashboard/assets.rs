//! Style, script and icon, compiled in. Their addresses carry a hash of their content, so that a browser keeps them
//! for ever and a new version is fetched at once.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use super::fault::Fault;
use crate::api::Named;

struct Asset {
    name: String,
    kind: &'static str,
    body: &'static [u8],
}

impl Asset {
    fn new(stem: &str, extension: &str, kind: &'static str, body: &'static [u8]) -> Self {
        let digest = Sha256::digest(body);
        let hash = digest.iter().take(6).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
        Self { name: format!("{stem}.{hash:012x}.{extension}"), kind, body }
    }
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("app", "css", "text/css; charset=utf-8", include_bytes!("../../assets/app.css")),
        Asset::new("live", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/live.js")),
        Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")),
    ]
});

/// The addresses, for the frame.
pub(crate) struct Urls {
    pub(crate) style: String,
    pub(crate) script: String,
    pub(crate) icon: String,
}

pub(crate) fn urls() -> Urls {
    let [style, script, icon] = ASSETS.each_ref().map(|asset| format!("/assets/{}", asset.name));
    Urls { style, script, icon }
}

/// `GET /assets/{name}`
pub(crate) async fn show(name: Named) -> Response {
    let name = name.map(|Path(name)| name).unwrap_or_default();
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => {
            let forever = (CACHE_CONTROL, "public, max-age=31536000, immutable");
            ([(CONTENT_TYPE, asset.kind), forever], asset.body).into_response()
        }
        None => Fault::no_page(&format!("/assets/{name}")).into_response(),
    }
}
