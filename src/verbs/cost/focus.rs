//! `reelgate cost export --focus`: the ledger as charges of the FinOps Open Cost and Usage Specification (FOCUS) 1.2, one row for each
//! line.

use std::fs::File;
use std::io::{BufWriter, Write};

use reelgate_actors::ledger::{IDLE, LedgerLine, each_line};
use reelgate_actors::profiles::Profiles;
use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::line::{Line, Owner};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::resource::{Measure, Resource};
use reelgate_ports::store::Store;
use serde_json::json;

use super::days;
use crate::cli::ExportArgs;
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::stderr;
use crate::verbs::to_json;

/// What sends the invoice, and provides and publishes the services.
const PROVIDER: &str = "Amazon Web Services";
/// Milliseconds in an hour, and in what AWS counts as a month.
const HOUR: u64 = 3_600_000;
const MONTH: u64 = 730 * HOUR;
/// Bytes in AWS's GB.
const GIB: u64 = 1 << 30;
/// Digits behind the decimal point of a quantity. A price times what is cut off is far less than a nano-dollar.
const DECIMALS: u32 = 15;

/// The columns: those of FOCUS by name, then ours. Columns for what AWS has and the ledger does not know (commitments, capacity
/// reservations, sub-accounts, other currencies) are left out, as FOCUS allows.
const COLUMNS: [&str; 39] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "Tags",
];

/// Writes every line of the ledger as a charge.
pub async fn export(config: &Config, store: &dyn Store, args: &ExportArgs) -> Result<ExitStatus, Failure> {
    debug_assert!(args.focus, "clap requires the one format that there is");
    let filter = days::filter(&args.days)?;
    let region = config.raw.cost.table().map_err(Failure::Usage)?.region;
    let mut out: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(File::create(path).map_err(|error| {
            Failure::Usage(format!("--out: expected a file that can be written: {error}"))
        })?),
        None => Box::new(std::io::stdout()),
    };
    let mut out = BufWriter::new(&mut out);
    let failed = |error| Failure::Internal(format!("write the export: {error}"));
    let mut charges = 0;
    write_row(&mut out, COLUMNS.iter().copied()).map_err(failed)?;
    each_line(store, filter, |row| {
        let cells = cells(row, &config.profiles, &region, &args.billing_account)?;
        charges += 1;
        write_row(&mut out, cells.iter().map(String::as_str)).map_err(failed)
    })
    .await?;
    out.flush().map_err(failed)?;
    drop(out);
    if args.out.is_some() {
        stderr::say(&format!("{charges} charges"));
    }
    Ok(ExitStatus::Done)
}

/// A row as RFC 4180 wants it, but that lines end with a line feed alone.
fn write_row<'a>(out: &mut impl Write, cells: impl Iterator<Item = &'a str>) -> std::io::Result<()> {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        if cell.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// The cells of a line, in the order of [`COLUMNS`]; a null is empty.
fn cells(
    row: LedgerLine<'_>,
    profiles: &Profiles,
    region: &str,
    account: &str,
) -> Result<Vec<String>, Failure> {
    let Line { owner, day, node_type, charge, waste } = row.line(profiles);
    let owner = owner.unwrap_or_else(|| Owner {
        asset: String::new(),
        prefix: String::new(),
        profile: String::new(),
        stage: IDLE.to_owned(),
        part: IDLE.to_owned(),
    });
    let attempt = match row {
        LedgerLine::Used(row) => Some(row.record.attempt),
        LedgerLine::Shared(_) => None,
    };
    let resource = charge.resource;
    let sku = match resource {
        Resource::NodeTime if !node_type.is_empty() => node_type.as_str(),
        other => other.price_name(),
    };
    let region = if charge.price_date.is_empty() { "" } else { region };
    let (consumed, consumed_unit) = consumed(&charge);
    let (priced, pricing_unit) = priced(&charge);
    let (cost, unit_price) = (dollars(charge.amount), dollars(charge.unit_price));
    let is_dynamic = resource == Resource::NodeTime && node_type.ends_with("-spot");
    let (category, service, subcategory) = service(resource);
    let (month_begin, month_end) = days::month(day);
    let tags = json!({
        "reelgate:attempt": attempt,
        "reelgate:method": charge.method.as_str(),
        "reelgate:node_type": node_type,
        "reelgate:part": owner.part,
        "reelgate:prefix": owner.prefix,
        "reelgate:price_date": charge.price_date,
        "reelgate:profile": owner.profile,
        "reelgate:stage": owner.stage,
        "reelgate:waste": waste,
    });
    let value = |column: &str| {
        Ok::<String, Failure>(match column {
            "BilledCost" | "ContractedCost" | "EffectiveCost" | "ListCost" => cost.clone(),
            "BillingAccountId" => account.to_owned(),
            "BillingCurrency" => "USD".to_owned(),
            "BillingPeriodEnd" => month_end.clone(),
            "BillingPeriodStart" => month_begin.clone(),
            "ChargeCategory" => "Usage".to_owned(),
            "ChargeDescription" => {
                let resource = resource.as_str();
                match attempt {
                    Some(attempt) => {
                        format!("{resource} of {} {}, attempt {attempt}", owner.stage, owner.part)
                    }
                    None => format!("{resource} while nodes were idle, allocated"),
                }
            }
            "ChargeFrequency" => "Usage-Based".to_owned(),
            "ChargePeriodEnd" => days::begin(day.saturating_add(1)),
            "ChargePeriodStart" => days::begin(day),
            "ConsumedQuantity" => consumed.clone(),
            "ConsumedUnit" => consumed_unit.to_owned(),
            "ContractedUnitPrice" | "ListUnitPrice" => unit_price.clone(),
            "InvoiceIssuerName" | "ProviderName" | "PublisherName" => PROVIDER.to_owned(),
            "PricingCategory" => if is_dynamic { "Dynamic" } else { "Standard" }.to_owned(),
            "PricingQuantity" => priced.clone(),
            "PricingUnit" => pricing_unit.clone(),
            "RegionId" | "RegionName" => region.to_owned(),
            "ResourceId" => owner.asset.clone(),
            "ResourceType" if !owner.asset.is_empty() => "Asset".to_owned(),
            "ServiceCategory" => category.to_owned(),
            "ServiceName" => service.to_owned(),
            "ServiceSubcategory" => subcategory.to_owned(),
            "SkuId" => sku.to_owned(),
            "SkuMeter" => resource.as_str().to_owned(),
            "SkuPriceId" => {
                if region.is_empty() {
                    sku.to_owned()
                } else {
                    format!("{region}/{sku}")
                }
            }
            "Tags" => to_json(&tags)?,
            // BillingAccountName, ChargeClass, InvoiceId, ResourceName and SkuPriceDetails are null.
            _ => String::new(),
        })
    };
    COLUMNS.iter().map(|column| value(column)).collect()
}

/// An amount in dollars.
fn dollars(amount: NanoUsd) -> String {
    amount.to_string().replace('$', "")
}

/// A quotient as a decimal, rounded half up at the last of [`DECIMALS`] digits.
fn decimal(quantity: u64, unit: u64) -> String {
    let (quantity, unit, power) = (u128::from(quantity), u128::from(unit.max(1)), 10u128.pow(DECIMALS));
    let scaled = quantity / unit * power + (quantity % unit * power + unit / 2) / unit;
    let digits = format!("{}.{:0width$}", scaled / power, scaled % power, width = DECIMALS as usize);
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What was used, in a unit of FOCUS.
fn consumed(charge: &Charge) -> (String, &'static str) {
    let quantity = charge.quantity;
    match (charge.resource, charge.resource.measure()) {
        (Resource::NodeTime, _) => (decimal(quantity, HOUR), "vCPU-Hours"),
        (_, Measure::Milliseconds) => (decimal(quantity, HOUR), "Hours"),
        (_, Measure::Count) => (quantity.to_string(), "Requests"),
        (_, Measure::Bytes) => (decimal(quantity, GIB), "GiB"),
        (_, Measure::ByteHours) => (decimal(quantity, GIB), "GiB-Hours"),
    }
}

/// What is paid for, in the unit of its price. Where nothing has a price, it is what was used.
fn priced(charge: &Charge) -> (String, String) {
    let Charge { quantity, unit, .. } = *charge;
    if charge.price_date.is_empty() {
        let (quantity, unit) = consumed(charge);
        return (quantity, unit.to_owned());
    }
    let name = match charge.resource.measure() {
        Measure::Milliseconds if unit.is_multiple_of(MONTH) => "Months".to_owned(),
        Measure::Milliseconds => "Hours".to_owned(),
        Measure::Count if unit > 1 => format!("{unit} Requests"),
        Measure::Count => "Requests".to_owned(),
        Measure::Bytes => "GiB".to_owned(),
        Measure::ByteHours => "GiB-Months".to_owned(),
    };
    // The amount of a share is divided, not made of its quantity.
    let nanos = |amount: NanoUsd| amount.nanos().unsigned_abs();
    let quantity = match charge.method {
        Method::Allocated if charge.unit_price > NanoUsd::ZERO => {
            decimal(nanos(charge.amount), nanos(charge.unit_price))
        }
        _ => decimal(quantity, unit),
    };
    (quantity, name)
}

/// Category, name and subcategory of the service that a resource is of, in the words of FOCUS.
fn service(resource: Resource) -> (&'static str, &'static str, &'static str) {
    match resource {
        Resource::NodeTime => ("Compute", "Amazon Elastic Compute Cloud", "Virtual Machines"),
        Resource::S3Put
        | Resource::S3Copy
        | Resource::S3List
        | Resource::S3Get
        | Resource::S3Head
        | Resource::StorageStandard
        | Resource::StorageInfrequent
        | Resource::StorageDeepArchive => ("Storage", "Amazon Simple Storage Service", "Object Storage"),
        Resource::BytesOut => ("Networking", "AWS Data Transfer", "Data Transfer"),
        Resource::KinesisShard => ("Analytics", "Amazon Kinesis", "Streaming Analytics"),
        Resource::SnsPublish => ("Integration", "Amazon Simple Notification Service", "Messaging"),
        Resource::SqsRequest => ("Integration", "Amazon Simple Queue Service", "Messaging"),
        Resource::KmsRequest => ("Security", "AWS Key Management Service", "Credentials"),
        Resource::MacieBytes => ("Security", "Amazon Macie", "Other (Security)"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use reelgate_cost::prices::Price;
    use reelgate_flow::ids::AssetId;
    use reelgate_flow::task::TaskKey;
    use reelgate_ports::records::{LedgerRecord, LedgerRow, ShareRecord, ShareRow};

    use super::*;

    fn row(charge: Charge) -> Vec<String> {
        let record = LedgerRecord {
            asset: AssetId::new("yqlryqpcysmiifymzqpkjf5zq6"),
            task: TaskKey::Video { chunk: 3 },
            attempt: 2,
            at_ms: 1_780_000_000_000,
            node_type: "c6a-xlarge-spot".into(),
            charge,
            part: String::new(),
            units: 0,
            waste: true,
        };
        let row = LedgerRow { record, key: "=show, \"one\"/a.mp4".into(), size_bytes: 1 };
        cells(LedgerLine::Used(&row), &Profiles::default(), "us-east-1", "123456789012").unwrap()
    }

    fn cell<'a>(row: &'a [String], column: &str) -> &'a str {
        &row[COLUMNS.iter().position(|one| *one == column).unwrap()]
    }

    fn charge(resource: Resource, quantity: u64, usd: i64, per: u64) -> Charge {
        let price = Price { usd: NanoUsd::new(usd), per, date: "2026-08-01".into(), verified: true };
        Charge::new(resource, quantity, &price, Method::Measured).unwrap()
    }

    #[test]
    fn an_hour_of_half_a_node_is_half_an_hour_of_a_node() {
        let row = row(charge(Resource::NodeTime, 2 * HOUR, 61_200_000, 4 * HOUR));
        let expected = [
            ("BilledCost", "0.0306"),
            ("ListUnitPrice", "0.0612"),
            ("PricingQuantity", "0.5"),
            ("PricingUnit", "Hours"),
            ("PricingCategory", "Dynamic"),
            ("ConsumedQuantity", "2"),
            ("ConsumedUnit", "vCPU-Hours"),
            ("ChargePeriodStart", "2026-05-28T00:00:00Z"),
            ("ChargePeriodEnd", "2026-05-29T00:00:00Z"),
            ("BillingPeriodStart", "2026-05-01T00:00:00Z"),
            ("BillingPeriodEnd", "2026-06-01T00:00:00Z"),
            ("SkuPriceId", "us-east-1/c6a-xlarge-spot"),
            ("ChargeDescription", "node-time of transcode video-00003, attempt 2"),
            ("ResourceId", "yqlryqpcysmiifymzqpkjf5zq6"),
        ];
        for (column, value) in expected {
            assert_eq!(cell(&row, column), value, "{column}");
        }
    }

    #[test]
    fn a_quantity_times_its_price_is_the_cost_to_half_a_nano_dollar() {
        for resource in Resource::ALL {
            for (quantity, per) in
                [(1, 3), (7, 1_000), (u64::from(u32::MAX), GIB * 730), (123_456_789, 4 * HOUR)]
            {
                let charge = charge(resource, quantity, 61_200_007, per);
                let row = row(charge);
                let number = |column: &str| cell(&row, column).parse::<f64>().unwrap();
                let product = number("PricingQuantity") * number("ListUnitPrice");
                assert!(
                    (product - number("ListCost")).abs() <= 0.500_001e-9,
                    "{resource:?} {quantity} {per}"
                );
            }
        }
    }

    #[test]
    fn a_share_of_idle_time_is_a_charge_whose_quantity_follows_from_its_amount() {
        let mut share = charge(Resource::NodeTime, 7, 61_200_007, 4 * HOUR);
        (share.method, share.amount) = (Method::Allocated, NanoUsd::new(29));
        for asset in [None, Some(AssetId::new("yqlryqpcysmiifymzqpkjf5zq6"))] {
            let id = asset.as_ref().map(ToString::to_string).unwrap_or_default();
            let record =
                ShareRecord { day: 20_297, asset, node_type: "c6a-xlarge".into(), charge: share.clone() };
            let row = ShareRow { record, key: String::new() };
            let cells = cells(LedgerLine::Shared(&row), &Profiles::default(), "us-east-1", "1").unwrap();
            let number = |column: &str| cell(&cells, column).parse::<f64>().unwrap();
            assert!((number("PricingQuantity") * number("ListUnitPrice") - 29e-9).abs() < 1e-15);
            assert_eq!(
                (cell(&cells, "BilledCost"), cell(&cells, "ResourceId")),
                ("0.000000029", id.as_str())
            );
            assert_eq!(cell(&cells, "ResourceType").is_empty(), id.is_empty());
        }
    }

    #[test]
    fn cells_with_commas_quotes_and_lines_are_quoted_and_nothing_else() {
        let mut out = Vec::new();
        write_row(&mut out, ["a", "", "b,c", "d \"e\"", "f\ng"].into_iter()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a,,\"b,c\",\"d \"\"e\"\"\",\"f\ng\"\n");
        let tags: serde_json::Value =
            serde_json::from_str(cell(&row(charge(Resource::S3Put, 1, 5, 1)), "Tags")).unwrap();
        assert_eq!(
            (&tags["reelgate:prefix"], &tags["reelgate:waste"]),
            (&json!("=show, \"one\""), &json!(true))
        );
    }

    #[test]
    fn every_column_has_its_name_once_and_what_has_no_price_is_there() {
        assert_eq!(COLUMNS.iter().collect::<BTreeSet<_>>().len(), COLUMNS.len());
        let row = row(Charge::free(Resource::NodeTime, HOUR / 4, Method::Measured));
        assert_eq!(row.len(), COLUMNS.len());
        let expected = [
            ("ListCost", "0.00"),
            ("PricingQuantity", "0.25"),
            ("PricingUnit", "vCPU-Hours"),
            ("RegionId", ""),
        ];
        for (column, value) in expected {
            assert_eq!(cell(&row, column), value, "{column}");
        }
    }

    #[test]
    fn decimals_are_exact_where_they_end_and_rounded_where_they_do_not() {
        assert_eq!([decimal(1, 4), decimal(3, 1), decimal(0, 7)], ["0.25", "3", "0"]);
        assert_eq!([decimal(2, 3), decimal(u64::MAX, 1)], ["0.666666666666667", "18446744073709551615"]);
    }
}
