//! A site as agencies build them today: semantic elements, a hero, bands of text, a cookie banner, data for machines.

use super::{Words, description, footer_links, json_ld, navigation, title};
use crate::story::site::{Site, SitePage};
use crate::story::text::{self, Block, Letters, Links, Pen};

pub(super) fn render(site: &Site, page: &SitePage, origin: &str) -> String {
    let pen = Pen { origin, letters: Letters::Plain, links: Links::Root };
    format!("{}{}{}", head(pen, site, page), body(pen, site, page), foot(pen, site))
}

fn head(pen: Pen<'_>, site: &Site, page: &SitePage) -> String {
    let words = Words::of(&site.facts);
    let title = pen.text(&title(site, page));
    let description = pen.text(description(site, page));
    let address = format!("{}{}", pen.origin, page.path);
    format!(
        r##"<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta name="description" content="{description}">
<link rel="canonical" href="{address}">
<meta property="og:type" content="website">
<meta property="og:locale" content="{locale}">
<meta property="og:site_name" content="{name}">
<meta property="og:title" content="{title}">
<meta property="og:description" content="{description}">
<meta property="og:url" content="{address}">
<meta name="theme-color" content="#14425a">
<script type="application/ld+json">{json}</script>
<style>{CSS}</style>
<script>window.dataLayer=window.dataLayer||[];document.documentElement.className+=" js";</script>
</head>
"##,
        lang = words.lang,
        locale = words.locale,
        name = pen.text(&site.facts.name),
        json = json_ld(site, pen.origin),
    )
}

fn body(pen: Pen<'_>, site: &Site, page: &SitePage) -> String {
    let words = Words::of(&site.facts);
    let lead = if page.lead.is_empty() {
        String::new()
    } else {
        format!("<p class=\"lead\">{}</p>\n", pen.inline(&page.lead))
    };
    format!(
        r##"<body class="page">
<a class="skip" href="#content">{skip}</a>
<header class="site-header">
<div class="wrap">
<a class="logo" href="{home}" aria-label="{name}"><svg width="28" height="28" viewBox="0 0 28 28" aria-hidden="true"><circle cx="14" cy="14" r="12" fill="none" stroke="currentColor" stroke-width="3"/><path d="M8 18 14 8l6 10z" fill="currentColor"/></svg><span>{name}</span></a>
<button class="burger" aria-expanded="false" aria-controls="nav">{menu}</button>
<nav id="nav"><ul>
{links}</ul></nav>
</div>
</header>
<main id="content">
<div class="hero"><div class="wrap">
<h1>{heading}</h1>
{lead}</div></div>
{bands}</main>
"##,
        skip = words.skip,
        menu = words.menu,
        home = absolute(pen, "/"),
        name = pen.text(&site.facts.name),
        links = links(pen, site, page),
        heading = pen.text(&page.heading),
        bands = bands(pen, &page.body),
    )
}

/// The site's own address in full, as editors of content systems like to paste it.
fn absolute(pen: Pen<'_>, path: &str) -> String {
    format!("{}{path}", pen.origin)
}

fn links(pen: Pen<'_>, site: &Site, current: &SitePage) -> String {
    let link = |page: &SitePage| {
        let mark = if page.path == current.path { " aria-current=\"page\"" } else { "" };
        format!("<li><a href=\"{}\"{mark}>{}</a></li>\n", pen.href(&page.path), pen.text(&page.nav))
    };
    navigation(site).map(link).collect()
}

/// Each heading opens a band of its own.
fn bands(pen: Pen<'_>, body: &str) -> String {
    const OPEN: &str = "<section class=\"band\"><div class=\"wrap\">\n";
    const CLOSE: &str = "</div></section>\n";
    let mut html = String::from(OPEN);
    for (index, block) in text::blocks(body).iter().enumerate() {
        if index > 0 && matches!(block, Block::Heading(_)) {
            html.push_str(CLOSE);
            html.push_str(OPEN);
        }
        html.push_str(&pen.block(block));
    }
    html.push_str(CLOSE);
    html
}

fn foot(pen: Pen<'_>, site: &Site) -> String {
    let words = Words::of(&site.facts);
    let address = &site.facts.address;
    let links = text::join(footer_links(site), |page| {
        format!("<li><a href=\"{}\">{}</a></li>\n", absolute(pen, &page.path), pen.text(&page.nav))
    });
    let privacy = footer_links(site).last().map_or_else(String::new, |page| {
        format!(" <a href=\"{}\">{}</a>.", pen.href(&page.path), pen.text(&page.nav))
    });
    format!(
        r#"<footer class="site-footer"><div class="wrap">
<address>{name}<br>{street}<br>{postal} {city}<br>{phone}: <a href="tel:{dial}">{number}</a></address>
<ul>
{links}</ul>
<p>&copy; {name}. {rights}</p>
</div></footer>
<div class="cookie-banner" role="dialog" aria-label="Cookies">
<p>{cookies}{privacy}</p>
<button type="button">{accept}</button> <button type="button">{settings}</button>
</div>
<script>document.querySelectorAll(".cookie-banner button").forEach(function(b){{b.onclick=function(){{b.parentNode.remove()}}}});</script>
</body>
</html>
"#,
        name = pen.text(&site.facts.name),
        street = pen.text(&address.street),
        postal = pen.text(&address.postal_code),
        city = pen.text(&site.facts.city),
        phone = words.phone,
        dial = address.phone.replace([' ', '-'], ""),
        number = pen.text(&address.phone),
        rights = words.rights,
        cookies = words.cookies,
        accept = words.accept,
        settings = words.settings,
    )
}

const CSS: &str = "\
*{box-sizing:border-box}body{margin:0;font:17px/1.6 system-ui,sans-serif;color:#1c2b33;background:#fff}\
.wrap{max-width:1040px;margin:0 auto;padding:0 24px}.skip{position:absolute;left:-999px}.skip:focus{left:8px}\
.site-header{position:sticky;top:0;background:#fff;border-bottom:1px solid #d9e1e5}\
.site-header .wrap{display:flex;gap:24px;align-items:center;min-height:68px;flex-wrap:wrap}\
.logo{display:flex;gap:10px;align-items:center;font-weight:700;color:#14425a;text-decoration:none}.burger{display:none}\
nav ul{display:flex;gap:20px;list-style:none;margin:0;padding:0;flex-wrap:wrap}nav a{color:#1c2b33;text-decoration:none}\
nav a[aria-current]{border-bottom:2px solid #d9822b}.hero{background:linear-gradient(120deg,#14425a,#1f6c86);color:#fff;padding:64px 0}\
.hero h1{font-size:2.4rem;line-height:1.2;margin:0 0 12px}.lead{font-size:1.2rem;max-width:46em}\
.band{padding:36px 0}.band:nth-of-type(even){background:#f3f6f7}.band h2{margin-top:0}\
table{border-collapse:collapse}td{border-bottom:1px solid #d9e1e5;padding:6px 18px 6px 0}\
blockquote{border-left:4px solid #d9822b;margin:24px 0;padding:0 20px}\
.site-footer{background:#10242e;color:#c9d6dc;padding:36px 0}.site-footer a{color:#fff}\
.site-footer ul{list-style:none;display:flex;gap:18px;padding:0}\
.cookie-banner{position:fixed;bottom:16px;right:16px;max-width:360px;background:#fff;border:1px solid #9fb1ba;padding:16px;font-size:14px}";
