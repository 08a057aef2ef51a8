//! More connections than there are descriptors for: those who come in vain leave nothing broken behind.

use superoffice_emulator::Entity;
use tokio::net::TcpStream;

use crate::support::{Delivery, SOON, Setup, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_no_descriptor_is_left_it_waits_and_goes_on_when_there_is_one() {
    let mut product = Setup::new().populated().restless().prepare().await;
    product.wrapper = ["sh", "-c", "ulimit -n 128; \"$@\"; exit $?", "sh"].map(str::to_owned).into();
    product.launch().await;
    let delivery = |id| Delivery::changed(Entity::Contact, id, &["orgNr"]);
    let before = delivery(1);
    assert_eq!(product.send(before.bytes()).await.unwrap().status(), 200);

    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(TcpStream::connect(("127.0.0.1", product.port())).await.unwrap());
    }
    until(SOON, "there is none left", async || {
        product.printed().1.contains("could not accept a connection").then_some(())
    })
    .await;
    assert!(product.ended().is_none(), "it lives");
    drop(crowd);

    let after = delivery(2);
    until(SOON, "deliveries are taken in again", async || {
        let answer = product.send(after.bytes()).await.ok()?;
        (answer.status() == 200).then_some(())
    })
    .await;
    let stored = product.event_ids().await;
    assert!(stored.contains(&before.id) && stored.contains(&after.id), "{stored:?}");
    product.settle().await;
    let told = product.printed().1.matches("could not accept a connection").count();
    assert!(told < 200, "it does not try again and again without a pause: {told} times");
}
