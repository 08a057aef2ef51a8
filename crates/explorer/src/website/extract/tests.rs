use super::*;

fn texts(page: &str) -> Vec<(BlockKind, String)> {
    html(page).blocks.into_iter().map(|block| (block.kind, block.text)).collect()
}

fn words(page: &str) -> String {
    html(page).blocks.into_iter().map(|block| block.text).collect::<Vec<_>>().join(" | ")
}

#[test]
fn a_page_becomes_blocks_in_order() {
    use BlockKind::{Heading, JsonLd, ListItem, Meta, Paragraph, Title};
    let page = r#"<!doctype html><html lang="de"><head><title>Pumpen &amp; mehr</title>
        <meta name="description" content="Wir fertigen Pumpen.">
        <meta property="og:description" content="Wir fertigen Pumpen.">
        <script type="application/ld+json">{"@type":"Organization","description":"Pumpenbauer aus Kiel"}</script>
        <style>p { color: red }</style></head>
        <body><header><h1>Pumpen
        aus Kiel</h1></header><nav><a href="/x">Produkte</a></nav>
        <main><p>Wir <b>fertigen</b> Pumpen.<p>Und Armaturen.
        <ul><li>Kreiselpumpen<li>Dosierpumpen</ul>
        <table><tr><td>Werk 1<td>Werk 2</table></main><footer>Impressum</footer></body></html>"#;
    let expected = [
        (Title, "Pumpen & mehr"),
        (Meta, "Wir fertigen Pumpen."),
        (JsonLd, "Pumpenbauer aus Kiel"),
        (Heading, "Pumpen aus Kiel"),
        (Paragraph, "Wir fertigen Pumpen."),
        (Paragraph, "Und Armaturen."),
        (ListItem, "Kreiselpumpen"),
        (ListItem, "Dosierpumpen"),
        (Paragraph, "Werk 1"),
        (Paragraph, "Werk 2"),
    ];
    let texts = texts(page);
    let texts: Vec<(BlockKind, &str)> = texts.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
    assert_eq!(texts, expected);
    assert_eq!(html(page).lang, "de");
}

#[test]
fn what_nobody_sees_is_left_out() {
    for hidden in [
        "<p hidden>geheim</p>",
        "<div aria-hidden=true><p>geheim</p></div>",
        "<p style='display: none'>geheim</p>",
        "<p style='color:red;DISPLAY:NONE !important'>geheim</p>",
        "<span style='visibility:hidden'>geheim</span>",
        "<p style='opacity:0'>geheim</p>",
        "<p style='font-size: 0'>geheim</p>",
        "<p style='position:absolute;left:-9999px'>geheim</p>",
        "<p class='visually-hidden'>geheim</p>",
        "<script>geheim</script>",
        "<style>geheim</style>",
        "<noscript><p>geheim</p></noscript>",
        "<template><p>geheim</p></template>",
        "<!-- geheim -->",
        "<svg><title>geheim</title><text>geheim</text></svg>",
        "<textarea>geheim</textarea>",
        "<select><option>geheim</select>",
        "<iframe>geheim</iframe>",
        "<img alt='geheim' src=x>",
        "<input value='geheim'>",
        "<nav>geheim</nav>",
        "<footer>geheim</footer>",
        "<div role=dialog>geheim</div>",
        "<meta name=keywords content=geheim>",
    ] {
        let page = format!("<body><p>offen</p>{hidden}<p>auch offen</p>");
        assert_eq!(words(&page), "offen | auch offen", "{hidden}");
    }
}

#[test]
fn hidden_text_ends_where_its_element_ends() {
    assert_eq!(words("<p hidden>a<p>b"), "b");
    assert_eq!(words("<div hidden><p>a<div>b</div></div>c"), "c");
    assert_eq!(words("<ul><li hidden>a<li>b</ul>"), "b");
}

#[test]
fn text_with_invisible_characters_is_read_but_not_quoted() {
    let block = &html("<p>Wir fer\u{200b}tigen Pum&shy;pen</p>").blocks[0];
    assert_eq!((block.text.as_str(), block.quotable), ("Wir fertigen Pumpen", false));
}

#[test]
fn a_list_of_links_is_no_text_but_the_links_are_kept() {
    let extract = html(
        "<div><a href='/a'>Alpha</a> <a href=/b hreflang=en>Beta</a></div><p>Mehr <a href=/c>hier</a> im Text, der länger ist.</p>",
    );
    assert_eq!(extract.blocks.len(), 1);
    let links: Vec<(&str, &str, &str)> = extract
        .links
        .iter()
        .map(|link| (link.href.as_str(), link.text.as_str(), link.language.as_str()))
        .collect();
    assert_eq!(links, [("/a", "Alpha", ""), ("/b", "Beta", "en"), ("/c", "hier", "")]);
}

#[test]
fn frames_by_name_are_marked() {
    let marked = |page: &str| html(page).blocks[0].marginal;
    assert!(marked("<div class='site-footer'>x</div>"));
    assert!(marked("<div id=cookie-notice><p>x</p></div>"));
    assert!(!marked("<body class='has-sidebar'><p>x</p>"));
    assert!(!marked("<div class='footnote-text'><p>x</p></div>"));
}

#[test]
fn hostile_pages_of_a_megabyte_are_read() {
    type Maker = fn(usize) -> String;
    let pages: [(&str, Maker); 8] = [
        ("nested div", |n| "<div>".repeat(n * 2) + "x"),
        ("nested inline", |n| "<a><b><i>".repeat(n)),
        ("mismatched", |n| "<p><div></p></span></b>x".repeat(n / 2)),
        ("stray end tags", |n| "<div>".repeat(300) + &"</div></p></li><i>".repeat(n / 2)),
        ("attributes", |n| (0..n).fold(String::from("<div "), |page, at| page + &format!("a{at}=1 ")) + ">x"),
        ("items", |n| "<ul><li>".repeat(n)),
        ("white space", |n| ("<i> ".repeat(20_000) + "<p>").repeat(n / 20_000)),
        ("line breaks", |n| "<br>".repeat(n * 2) + "x"),
    ];
    // No clock: a reader whose time grows with the square of the size needs hours for one of these, and the test
    // runner's own limit ends it.
    for (name, page) in pages {
        assert!(html(&page(120_000)).blocks.len() <= MAX_BLOCKS, "{name}");
    }
}

#[test]
fn two_megabytes_of_nested_elements_are_read_to_their_end() {
    let page = "<div>".repeat(400_000) + "<p>Ende";
    assert_eq!(words(&page), "Ende");
}

#[test]
fn no_page_makes_more_than_its_share_of_text() {
    let extract = html(&"<p>Ein Absatz mit Text</p><b>x</b>".repeat(20_000));
    assert!(extract.blocks.len() <= MAX_BLOCKS);
    let long = html(&format!("<p>{}", "wort ".repeat(200_000)));
    assert!(long.blocks[0].text.len() <= MAX_BLOCK);
}

#[test]
fn white_space_alone_is_neither_kept_nor_looked_at_again() {
    for page in ["<i> ".repeat(100_000), "<br>".repeat(100_000), " \n\t\u{a0}".repeat(100_000)] {
        let mut reader = Reader::default();
        reader.read(&format!("<p>{page}"));
        assert_eq!(reader.block.text.capacity(), 0);
    }
    let mut reader = Reader::default();
    reader.read(&format!("<p>Eins{}<b> zwei</b>", "<i> <br>".repeat(100_000)));
    assert_eq!(reader.block.text, "Eins zwei");
}

#[test]
fn a_block_that_is_full_takes_no_more() {
    let mut reader = Reader::default();
    reader.read(&format!("<p>{}{}", "wort".repeat(100_000), "<i> x<br>".repeat(1_000)));
    assert_eq!(reader.block.text.len(), MAX_BLOCK);
}

#[test]
fn words_in_the_head_and_plain_text_have_the_same_limit() {
    let long = "wort ".repeat(200_000);
    let pages = [
        html(&format!("<title>{long}</title>")),
        html(&format!("<meta name=description content='{long}'>")),
        plain(&long),
    ];
    for page in pages {
        assert!((MAX_BLOCK - 5..=MAX_BLOCK).contains(&page.blocks[0].text.len()));
    }
}

#[test]
fn plain_text_is_paragraphs() {
    assert_eq!(plain("Eins\nzwei\r\n\r\nDrei").blocks.len(), 2);
}
