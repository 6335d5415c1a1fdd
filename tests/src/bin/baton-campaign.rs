//! Runs one campaign and says in one line what came of it. Started by `tests/campaign`.

use std::process::ExitCode;

use baton_e2e::campaign::{ALL, Campaign, Plan, SEED};

const USAGE: &str = "usage: campaign NAME [--cycles N|all] [--seed S] [--first CYCLE]
       campaign list";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|name| name == "list") {
        for Campaign { name, full, about, .. } in ALL {
            let full = if full == usize::MAX { "all".to_owned() } else { full.to_string() };
            println!("{name:<10} {full:>9}  {about}");
        }
        return ExitCode::SUCCESS;
    }
    let (campaign, plan) = match parse(&arguments) {
        Ok(parsed) => parsed,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    eprintln!("{}: seed {}, from cycle {}", campaign.name, plan.seed, plan.first);
    let report = (campaign.run)(plan).await;
    for violation in &report.violations {
        println!("VIOLATION name={} seed={} {violation}", campaign.name, plan.seed);
    }
    for note in &report.notes {
        println!("{note}");
    }
    println!("{report}");
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(arguments: &[String]) -> Result<(&'static Campaign, Plan), String> {
    static CAMPAIGNS: [Campaign; 12] = ALL;
    let (name, rest) = arguments.split_first().ok_or("name a campaign")?;
    let campaign = CAMPAIGNS.iter().find(|c| c.name == name).ok_or_else(|| format!("there is no campaign {name:?}"))?;
    let mut plan = Plan { cycles: campaign.full, first: 0, seed: SEED };
    for pair in rest.chunks(2) {
        let [option, value] = pair else { return Err(format!("{} takes a value", pair[0])) };
        let number = || value.parse::<u64>().map_err(|_| format!("{option} takes a number, not {value:?}"));
        match (option.as_str(), value.as_str()) {
            ("--cycles", "all") => plan.cycles = usize::MAX,
            ("--cycles", _) => plan.cycles = number()?.max(1) as usize,
            ("--seed", _) => plan.seed = number()?,
            ("--first", _) => plan.first = number()? as usize,
            _ => return Err(format!("{option} {value} is not known")),
        }
    }
    if plan.cycles == usize::MAX && campaign.full != usize::MAX {
        plan.cycles = campaign.full;
    }
    Ok((campaign, plan))
}
