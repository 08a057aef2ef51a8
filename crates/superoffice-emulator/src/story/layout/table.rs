//! A site that has not been touched for twenty years: nested tables, font elements, named entities for every umlaut,
//! upper-case tags here and there, and links relative to the page.

use super::{Words, footer_links, navigation, title};
use crate::story::site::{Site, SitePage};
use crate::story::text::{self, Block, Letters, Links, Pen};

pub(super) fn render(site: &Site, page: &SitePage, origin: &str) -> String {
    let pen = Pen { origin, letters: Letters::Entities, links: Links::Relative };
    let words = Words::of(&site.facts);
    format!(
        r##"<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="{lang}" lang="{lang}">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<title>{title}</title>
<meta name="description" content="{description}" />
<meta name="robots" content="index,follow" />
<style type="text/css">
<!--
{CSS}
-->
</style>
</head>
<body bgcolor="#e8e4d8" text="#222222" link="#7a1f1f" vlink="#7a1f1f">
<a name="top"></a>
<table width="860" align="center" border="0" cellspacing="0" cellpadding="0" bgcolor="#ffffff">
<tr><td colspan="2" class="kopf"><font size="5"><b>{name}</b></font><br />{claim}</td></tr>
<tr>
<td width="190" valign="top" class="leiste">
<table width="100%" border="0" cellspacing="0" cellpadding="6">
{links}</table>
<p align="center"><font size="1">{phone}<br /><b>{number}</b></font></p>
</td>
<td valign="top" class="inhalt">
<h1>{heading}</h1>
{lead}{body}<p align="right"><font size="1"><a href="#top">{top}</a> &middot; <a href="javascript:window.print()">{print}</a></font></p>
</td>
</tr>
<tr><td colspan="2" class="fuss"><center><font size="1">&copy; {name}, {street}, {postal} {city} &middot; {footer}</font></center></td></tr>
</table>
</body>
</html>
"##,
        lang = words.lang,
        title = pen.text(&title(site, page)),
        description = pen.text(&site.description),
        name = pen.text(&site.facts.name),
        claim = pen.text(&site.claim),
        links = links(pen, site, page),
        phone = words.phone,
        number = pen.text(&site.facts.address.phone),
        heading = pen.text(&page.heading),
        lead = lead(pen, page),
        body = body(pen, page),
        top = words.top,
        print = words.print,
        street = pen.text(&site.facts.address.street),
        postal = pen.text(&site.facts.address.postal_code),
        city = pen.text(&site.facts.city),
        footer = footer(pen, site),
    )
}

fn links(pen: Pen<'_>, site: &Site, current: &SitePage) -> String {
    let row = |page: &SitePage| {
        let words = pen.text(&page.nav);
        let words = if page.path == current.path { format!("<b>{words}</b>") } else { words };
        format!("<tr><td>&raquo; <a href=\"{}\">{words}</a></td></tr>\n", pen.href(&page.path))
    };
    navigation(site).map(row).collect()
}

fn lead(pen: Pen<'_>, page: &SitePage) -> String {
    if page.lead.is_empty() {
        return String::new();
    }
    format!("<p><font color=\"#7a1f1f\"><b>{}</b></font></p>\n", pen.inline(&page.lead))
}

fn body(pen: Pen<'_>, page: &SitePage) -> String {
    text::blocks(&page.body)
        .iter()
        .map(|block| match block {
            Block::Table(_) => pen.block(block).replace("<table>", "<table border=\"1\" cellpadding=\"4\">"),
            _ => pen.block(block).replace("<p>", "<p align=\"justify\">"),
        })
        .collect()
}

fn footer(pen: Pen<'_>, site: &Site) -> String {
    footer_links(site)
        .map(|page| format!("<a href=\"{}\">{}</a>", pen.href(&page.path), pen.text(&page.nav)))
        .collect::<Vec<_>>()
        .join(" | ")
}

const CSS: &str = "\
body, td { font-family: Verdana, Arial, Helvetica, sans-serif; font-size: 13px; line-height: 19px; }
.kopf { background-color: #7a1f1f; color: #ffffff; padding: 18px; }
.leiste { background-color: #f4f0e4; border-right: 1px solid #cccccc; }
.inhalt { padding: 18px; }
.fuss { background-color: #f4f0e4; padding: 8px; }
h1 { font-size: 19px; color: #7a1f1f; } h2 { font-size: 15px; }";
