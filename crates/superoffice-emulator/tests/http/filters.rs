//! Filters: every operator of the vendor's documentation on the types that it is listed for, and refusals.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;
use superoffice_emulator::Entity;

use crate::support::{Tenant, policy, send};

async fn asked(tenant: &Tenant, path: &str, filter: &str) -> (u16, Value) {
    send(tenant.request("GET", path).query(&[("$filter", filter), ("$top", "1000")])).await
}

async fn ids(tenant: &Tenant, path: &str, filter: &str) -> Vec<i64> {
    let (status, body) = asked(tenant, path, filter).await;
    assert_eq!(status, 200, "{filter}: {body}");
    body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["PrimaryKey"].as_str().unwrap().parse().unwrap())
        .collect()
}

fn today(tenant: &Tenant) -> Date {
    jiff::tz::Offset::UTC.to_datetime(tenant.world.now()).date()
}

#[tokio::test]
async fn numbers_take_their_operators() {
    let tenant = Tenant::start().await;
    for (filter, expected) in [
        ("contactId eq 3", vec![3]),
        ("contactId = 3", vec![3]),
        ("contactId equals 3", vec![3]),
        ("contactId set 3", vec![3]),
        ("contactId lt 3", vec![1, 2]),
        ("contactId less 3", vec![1, 2]),
        ("contactId between (2, 4)", vec![2, 3, 4]),
        ("contactId in (4,2,9999)", vec![2, 4]),
        ("contactId gt 3 and contactId unequals 5 and contactId less 7", vec![4, 6]),
        ("contactId greater 22", vec![23, 24]),
        ("contactId ne 1 and contactId lt 4", vec![2, 3]),
        ("contactId eq '3'", vec![3]),
        ("contactId eq '[I:3]'", vec![3]),
        ("CONTACTID EQ 3", vec![3]),
        ("contactId gt 9 and contactId lt 2", vec![]),
        ("contactId gt -1e300 and contactId lt 2", vec![1]),
    ] {
        assert_eq!(ids(&tenant, "Contact", filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn texts_take_their_operators_and_lists_and_flags_theirs() {
    let tenant = Tenant::start().await;
    let fields = [("Name", r"Ächzend \ Grün"), ("Category", "2"), ("Xstop", "true"), ("Newsletter", "1")];
    tenant.world.edit(Entity::Contact, 3, 12, &fields).unwrap();
    for filter in [
        r"name is 'ächzend \\ grün'",
        r"name eq 'Ächzend \\ Grün'",
        "name begins 'ächz'",
        r"name contains '\\'",
        "startswith(name, 'ÄCH')",
        "endswith(name,'grün')",
        "substringof('zend', name)",
        "substringof(name, 'zend')",
        "name between ('ä', 'äd')",
        r"name in ('nobody', 'ächzend \\ grün')",
        "contactId lt 9 and name isNot 'x' and category oneOf (2)",
        "category equals 2",
        "category eq 2",
        "category gt 1 and category lt 3",
        "stop set true",
        "contactUdef/SuperOffice:6 set true",
        "contactId eq 3 and getAllRows set true",
        "contactId between (3,3) and (name notBegins 'x' and name notContains 'x')",
    ] {
        assert_eq!(ids(&tenant, "Contact", filter).await, [3], "{filter}");
    }
    assert_eq!(ids(&tenant, "Contact", "getNoRows set true").await, Vec::<i64>::new());
    assert_eq!(ids(&tenant, "Contact", "contactId lt 5 and category notOneOf (2)").await, [1, 2, 4]);
    assert_eq!(ids(&tenant, "Contact", "contactId lt 5 and stop set false").await, [1, 2, 4]);
}

#[tokio::test]
async fn associates_are_asked_for_by_id_or_as_the_caller() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 3, 12, &[("Owner", "ENRICH")]).unwrap();
    assert_eq!(ids(&tenant, "Contact", "associateId currentAssociate").await, [3]);
    assert_eq!(ids(&tenant, "Contact", "updatedBy associateIsOneOf (12)").await, [3]);
    assert_eq!(ids(&tenant, "Contact", "contactAssociate/associateDbId in (7)").await, [3]);
    assert_eq!(
        ids(&tenant, "Contact", "contactId lt 5 and updatedBy associateIsNotOneOf (12)").await,
        [1, 2, 4]
    );
    assert_eq!(asked(&tenant, "Contact", "associateId eq 'ENRICH'").await.0, 400);
    policy(&tenant, |policy| policy.operators_by_type = false);
    assert_eq!(ids(&tenant, "Contact", "associateId eq 7").await, [3]);
}

#[tokio::test]
async fn days_are_asked_for_by_date_and_by_period() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 3, 12, &[("Name", "Changed today")]).unwrap();
    let day = today(&tenant);
    let (before, after) = (day.yesterday().unwrap(), day.tomorrow().unwrap());
    for filter in [
        format!("updatedDate date '{day}'"),
        format!("updatedDate after '{before}'"),
        format!("updatedDate dateBetween ('{day}', '{day}')"),
        format!("updatedDate between ('{day}T10:00:00', '{after}')"),
        "updatedDate today".to_owned(),
        "updatedDate thisWeek and updatedDate thisMonth and updatedDate today".to_owned(),
        "updatedDate thisQuarter and updatedDate thisHalf and updatedDate thisYear and updatedDate today"
            .to_owned(),
        "this(updatedDate, day)".to_owned(),
        "thisAndNext(updatedDate, 2, days)".to_owned(),
        "thisAndPrevious(updatedDate,0,day)".to_owned(),
        "thisAndPreviousAndNext(updatedDate, 'day') and updatedDate today".to_owned(),
    ] {
        assert_eq!(ids(&tenant, "Contact", &filter).await, [3], "{filter}");
    }
    for filter in [
        format!("updatedDate after '{day}'"),
        "updatedDate afterToday".to_owned(),
        "updatedDate nextWeek or updatedDate nextMonth or updatedDate nextQuarter".to_owned(),
        "next(updatedDate, 3, month)".to_owned(),
        "updatedDate today and previous(updatedDate, 1, day)".to_owned(),
        format!("updatedDate today and (updatedDate before '{day}' or updatedDate beforeToday)"),
    ] {
        assert_eq!(ids(&tenant, "Contact", &filter).await, Vec::<i64>::new(), "{filter}");
    }
    let all = ids(&tenant, "Contact", &format!("updatedDate beforeOrEqual '{day}'")).await;
    assert_eq!(all.len(), 24);
    assert_eq!(ids(&tenant, "Contact", "updatedDate beforeToday").await.len(), 23);
    assert_eq!(
        ids(
            &tenant,
            "Contact",
            "previous(registeredDate, 2, year) or thisAndPrevious(registeredDate, 1, year)"
        )
        .await
        .len(),
        24
    );
}

#[tokio::test]
async fn the_first_day_of_a_week_is_a_switch() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 3, 12, &[("Customer since", "2026-01-01")]).unwrap();
    let day = today(&tenant);
    let back = i64::from(day.weekday().to_monday_zero_offset());
    let monday = day.checked_sub(back.days()).unwrap();
    let field = "contactUdef/SuperOffice:5 thisWeek";
    let set = |day: Date| {
        tenant.world.edit(Entity::Contact, 3, 12, &[("Customer since", &day.to_string())]).unwrap();
    };
    set(monday);
    assert_eq!(ids(&tenant, "Contact", field).await, [3]);
    set(monday.yesterday().unwrap());
    assert_eq!(ids(&tenant, "Contact", field).await, Vec::<i64>::new());
    policy(&tenant, |policy| policy.weeks_start_on_sunday = true);
    let sunday_counts = back != 6;
    assert_eq!(ids(&tenant, "Contact", field).await.len(), usize::from(sunday_counts));
}

#[tokio::test]
async fn moments_are_asked_for_to_the_second() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 3, 12, &[("Name", "Changed")]).unwrap();
    let at = tenant.world.contact(3).unwrap().stamps.updated.unwrap();
    let at = Timestamp::from_second(at.as_second()).unwrap();
    let select = "Archive/Dynamic?$select=contact.contact_id";
    for (filter, expected) in [
        (format!("contact.updated afterTime '{at}'"), vec![3]),
        (format!("contact.updated dateTime '{at}'"), vec![3]),
        (format!("contact.updated afterTime '{}'", at + jiff::SignedDuration::from_secs(1)), vec![]),
        (format!("contact.contact_id eq 3 and contact.updated beforeTime '{at}'"), vec![]),
    ] {
        assert_eq!(ids(&tenant, select, &filter).await, expected, "{filter}");
    }
    let refused = format!("updatedDate afterTime '{at}'");
    assert_eq!(asked(&tenant, "Contact", &refused).await.0, 400, "updatedDate has no time");
}

#[tokio::test]
async fn operators_of_other_types_are_refused_or_let_pass() {
    let tenant = Tenant::start().await;
    let other = [
        "contactId contains '1'",
        "contactId eq 'one'",
        "name gt 5",
        "name oneOf ('a')",
        "name ne 'a'",
        "stop eq true",
        "stop set 'perhaps'",
        "category contains 'x'",
        "category oneOf ('Kunde')",
        "updatedDate eq '2026-01-01'",
        "updatedDate before 'yesterday'",
        "nameDepartment is 'a'",
        "startswith(contactId, '1')",
        "this(name, week)",
        "name today",
        "associateId associateIsOneOf ('ENRICH')",
    ];
    for filter in other {
        assert_eq!(asked(&tenant, "Contact", filter).await.0, 400, "{filter}");
    }
    policy(&tenant, |policy| policy.operators_by_type = false);
    for filter in other {
        assert_eq!(asked(&tenant, "Contact", filter).await.0, 200, "{filter}");
    }
}

#[tokio::test]
async fn what_is_no_filter_is_refused_with_the_status_of_the_switch() {
    let tenant = Tenant::start().await;
    policy(&tenant, |policy| policy.operators_by_type = false);
    let wrong = [
        "contactId ge 5",
        "contactId le 5",
        "nothing eq 1",
        "contactId almost 1",
        "name notEnds 'a'",
        "contactId eq",
        "contactId eq 1 and",
        "contactId eq 1 contactId eq 2",
        "or contactId eq 1",
        "(contactId eq 1",
        "contactId eq 1)",
        "contactId in (1,)",
        "contactId in ()",
        "name is 'open",
        "name is 'it''s'",
        "between (1,2)",
        "contactId between (1,2,3)",
        "next(updatedDate, week)",
        "next(updatedDate, -1, week)",
        "next(updatedDate, 1e9, week)",
        "next(updatedDate, 1, fortnight)",
        "exp(contactId, 1)",
        "name\u{0} is 'a'",
        "searchwords is 'pumpen'",
        "()",
        "'name' is 'a'",
    ];
    for filter in wrong {
        let (status, body) = asked(&tenant, "Contact", filter).await;
        assert_eq!((status, body["Error"].as_bool()), (400, Some(true)), "{filter}");
        assert!(body["Message"].is_string());
    }
    for path in ["Contact?$orderby=nothing", "Contact?$orderby=name upwards", "Contact?$select=nothing"] {
        assert_eq!(tenant.get(path).await.0, 400, "{path}");
    }
    policy(&tenant, |policy| policy.bad_filter_status = 500);
    for filter in wrong {
        assert_eq!(asked(&tenant, "Contact", filter).await.0, 500, "{filter}");
    }
    policy(&tenant, |policy| policy.ge_and_le = true);
    assert_eq!(ids(&tenant, "Contact", "contactId ge 2 and contactId le 3").await, [2, 3]);
    assert_eq!(ids(&tenant, "Contact", "updatedDate ge '2100-01-01'").await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_posted_filter_may_be_long_and_a_deep_one_is_refused() {
    let tenant = Tenant::start().await;
    let many: Vec<String> = (0..50_000).map(|id| (id * 2).to_string()).collect();
    let filter = format!("contactId in ({})", many.join(","));
    let posted =
        tenant.request("POST", "Archive/FindContact").form(&[("$select", "contactId"), ("$filter", &filter)]);
    let (status, body) = send(posted).await;
    assert_eq!((status, body["value"].as_array().unwrap().len()), (200, 12));
    for deep in ["(".repeat(300_000), format!("{}contactId eq 1{}", "(".repeat(65), ")".repeat(65))] {
        let posted = tenant.request("POST", "Archive/FindContact").form(&[("$filter", &deep)]);
        assert_eq!(send(posted).await.0, 400);
    }
}
