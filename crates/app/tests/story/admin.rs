//! An administrator's calls, by the client against the emulator: a list with its items, and a field that is drafted,
//! saved, published, and then there for everybody.

use superoffice::api::udef::{FieldType, Owner};
use superoffice::{Client, Config};

use crate::support::{Product, Setup};

async fn tenant() -> (Product, Client) {
    let product = Setup::new().companies(2).populated().prepare().await;
    let details = &product.details;
    let config = Config::new(
        details.login_url.parse().unwrap(),
        details.context.clone(),
        details.client_id.clone(),
        details.client_secret.as_str().into(),
        details.refresh_token.as_str().into(),
    );
    let client = Client::new(config).unwrap();
    (product, client)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_made_and_offers_what_was_not_removed() {
    let (_product, client) = tenant().await;
    let list = client.create_list("Testbranchen", "").await.unwrap();
    let id = list.id.to_string();
    let mut items = Vec::new();
    for name in ["Brunnenbau", "Glasbläserei"] {
        items.push(client.add_list_item(&id, name).await.unwrap().id);
    }
    let offered = async || -> Vec<String> {
        let items = client.list(&list.mdo_name()).await.unwrap();
        items.into_iter().map(|item| item.name).collect()
    };
    assert_eq!(offered().await, ["Brunnenbau", "Glasbläserei"]);
    client.remove_list_item(&id, items[0]).await.unwrap();
    assert_eq!(offered().await, ["Glasbläserei"]);
    assert!(client.lists().await.unwrap().iter().any(|known| known.name == "Testbranchen"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_is_there_for_everybody_once_it_is_published() {
    let (product, client) = tenant().await;
    let contact = product.world.contact_ids()[0];
    let before = client.udef_fields(Owner::Contact).await.unwrap();
    let made = client
        .create_udef_field(Owner::Contact, &FieldType::LongText, |field| {
            field.field_label = "Gewerk".to_owned();
            field.prog_id = "acme:1".to_owned();
            field.text_length = 120;
        })
        .await
        .unwrap();
    assert_eq!((made.prog_id.as_str(), made.text_length), ("acme:1", 120));
    assert_eq!(client.udef_fields(Owner::Contact).await.unwrap(), before, "nobody sees a draft");
    assert!(client.udef_fields_changed(Owner::Contact).await.unwrap());
    let value = async || {
        let fields = client.contact(contact).await.unwrap().custom_fields;
        fields.text("acme:1").unwrap().map(str::to_owned)
    };
    assert_eq!(value().await, None);

    client.publish_udef_fields(Owner::Contact).await.unwrap();
    let after = client.udef_fields(Owner::Contact).await.unwrap();
    assert_eq!(after.len(), before.len() + 1);
    assert!(after.iter().any(|field| field.prog_id == "acme:1" && field.field_label == "Gewerk"));
    assert_eq!(value().await, Some(String::new()));
    for old in &before {
        let new = after.iter().find(|field| field.prog_id == old.prog_id).unwrap();
        assert_ne!(new.udef_field_id, old.udef_field_id, "publishing renumbers the fields");
    }
    assert!(!client.udef_fields_changed(Owner::Contact).await.unwrap());
}
