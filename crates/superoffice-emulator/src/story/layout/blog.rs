//! A theme of a blog system: absolute links with a trailing slash, a side bar with recent posts, and many classes.

use super::{Words, description, footer_links, json_ld, navigation, title};
use crate::story::site::{Site, SitePage};
use crate::story::text::{self, Letters, Links, Pen};

pub(super) fn render(site: &Site, page: &SitePage, origin: &str) -> String {
    let pen = Pen { origin, letters: Letters::Plain, links: Links::Absolute };
    let words = Words::of(&site.facts);
    let number = site.pages.iter().position(|other| other.path == page.path).unwrap_or_default() * 14 + 12;
    format!(
        r#"<!doctype html>
<html lang="{lang}">
<head>
<meta charset="UTF-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>{title}</title>
<meta name="description" content="{description}" />
<meta property="og:title" content="{title}" />
<meta property="og:description" content="{description}" />
<link rel="canonical" href="{canonical}" />
<script type="application/ld+json" class="schema-graph">{json}</script>
<style id="global-styles-inline-css">{CSS}</style>
</head>
<body class="page-template-default page page-id-{number} wp-embed-responsive has-sidebar">
<div id="page" class="hfeed site">
<header id="masthead" class="site-header">
<p class="site-title"><a href="{home}" rel="home">{name}</a></p>
<p class="site-description">{claim}</p>
<nav id="site-navigation" class="main-navigation"><ul id="primary-menu" class="menu nav-menu">
{links}</ul></nav>
</header>
<div id="content" class="site-content">
<main id="main" class="site-main">
<article id="post-{number}" class="post-{number} page type-page status-publish hentry">
<header class="entry-header"><h1 class="entry-title">{heading}</h1></header>
<div class="entry-content">
{lead}{body}</div>
</article>
</main>
<aside id="secondary" class="widget-area">
<section id="search-2" class="widget widget_search"><form role="search" method="get" action="{home}"><label>{search} <input type="search" name="s" value="" /></label></form></section>
{news}</aside>
</div>
<footer id="colophon" class="site-footer"><div class="site-info">
{all}: {footer} &#8226; {name}, {city}
</div></footer>
</div>
<!-- Page served by cache. -->
</body>
</html>
"#,
        lang = words.lang,
        title = pen.text(&title(site, page)),
        description = pen.text(description(site, page)),
        canonical = pen.href(&page.path),
        json = json_ld(site, origin),
        home = pen.href("/"),
        name = pen.text(&site.facts.name),
        claim = pen.text(&site.claim),
        links = links(pen, site, page),
        heading = pen.text(&page.heading),
        lead = lead(pen, page),
        body = body(pen, page),
        search = words.search,
        news = news(pen, site),
        all = words.all,
        footer = footer(pen, site),
        city = pen.text(&site.facts.city),
    )
    // Such systems turn dashes into numbers.
    .replace(" – ", " &#8211; ")
}

fn links(pen: Pen<'_>, site: &Site, current: &SitePage) -> String {
    let item = |(index, page): (usize, &SitePage)| {
        let here = if page.path == current.path { " current-menu-item" } else { "" };
        let id = 31 + index;
        format!(
            "<li id=\"menu-item-{id}\" class=\"menu-item menu-item-type-post_type{here}\"><a href=\"{}\">{}</a></li>\n",
            pen.href(&page.path),
            pen.text(&page.nav)
        )
    };
    navigation(site).enumerate().map(item).collect()
}

fn lead(pen: Pen<'_>, page: &SitePage) -> String {
    if page.lead.is_empty() {
        return String::new();
    }
    format!("<p class=\"has-large-font-size\">{}</p>\n", pen.inline(&page.lead))
}

fn body(pen: Pen<'_>, page: &SitePage) -> String {
    text::blocks(&page.body)
        .iter()
        .map(|block| {
            pen.block(block)
                .replace("<h2>", "<h2 class=\"wp-block-heading\">")
                .replace("<table>", "<figure class=\"wp-block-table\"><table>")
                .replace("</table>", "</table></figure>")
        })
        .collect()
}

fn news(pen: Pen<'_>, site: &Site) -> String {
    if site.news.is_empty() {
        return String::new();
    }
    let heading = Words::of(&site.facts).news;
    let items = text::join(&site.news, |item| format!("<li>{}</li>\n", pen.text(item)));
    format!(
        "<section id=\"recent-posts-2\" class=\"widget\"><h2 class=\"widget-title\">{heading}</h2><ul>\n{items}</ul></section>\n"
    )
}

fn footer(pen: Pen<'_>, site: &Site) -> String {
    footer_links(site)
        .map(|page| format!("<a href=\"{}\">{}</a>", pen.href(&page.path), pen.text(&page.nav)))
        .collect::<Vec<_>>()
        .join(" &#8226; ")
}

const CSS: &str = "\
body{margin:0;font-family:Georgia,serif;font-size:18px;line-height:1.65;color:#333;background:#fafafa}\
.site{max-width:1120px;margin:0 auto;background:#fff;padding:0 28px}.site-title a{font-size:1.6em;color:#2f5d3a;text-decoration:none}\
.site-description{color:#777;margin-top:-12px}.menu{display:flex;flex-wrap:wrap;gap:18px;list-style:none;padding:10px 0;border:solid #ddd;border-width:1px 0}\
.site-content{display:grid;grid-template-columns:1fr 260px;gap:40px}.entry-title{color:#2f5d3a;line-height:1.25}\
.has-large-font-size{font-size:1.15em}.widget-area{font-size:.85em;padding-top:30px}table{border-collapse:collapse}\
td{border:1px solid #ddd;padding:5px 12px}.site-info{border-top:1px solid #ddd;padding:22px 0;font-size:.8em;color:#777}\
@media(max-width:760px){.site-content{display:block}}";
