//! The waiting page of a domain dealer: nothing on it is about the company whose record points here.

use crate::story::site::{Site, SitePage};
use crate::story::text::{self, Letters, Links, Pen};

pub(super) fn render(site: &Site, page: &SitePage) -> String {
    let pen = Pen { origin: "", letters: Letters::Plain, links: Links::Root };
    let body: String = text::blocks(&page.body).iter().map(|block| pen.block(block)).collect();
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{claim}</title>
<meta name="description" content="{description}">
<meta name="robots" content="noarchive">
<style>body{{font:15px Arial,sans-serif;text-align:center;background:#f0f3f8;color:#333}}h1{{font-size:22px}}ul{{list-style:none;padding:0;columns:2;max-width:520px;margin:24px auto}}li{{padding:8px}}</style>
</head>
<body>
<h1>{heading}</h1>
<p>{lead}</p>
{body}</body>
</html>
"#,
        claim = pen.text(&site.claim),
        description = pen.text(&site.description),
        heading = pen.text(&page.heading),
        lead = pen.inline(&page.lead),
    )
}
