//! Which mutants are looked at: some of each block, in proportion to what the block has, chosen by a seed.
//!
//! A mutant's rank depends on the seed and on its own name alone, so a change of the design moves few of the others into or out of the sample.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::mutant::Mutant;

/// `count` of `all`, in the order of `all`; all of them if there are no more.
#[must_use]
pub fn sample(all: &[Mutant], count: usize, seed: u64) -> Vec<Mutant> {
    let mut blocks: BTreeMap<&str, Vec<(Vec<u8>, usize)>> = BTreeMap::new();
    for (index, mutant) in all.iter().enumerate() {
        let ranks = blocks.entry(mutant.block()).or_default();
        ranks.push((rank(mutant, seed), index));
    }
    let sizes: Vec<usize> = blocks.values().map(Vec::len).collect();
    let mut chosen = Vec::new();
    for (ranks, share) in blocks.values_mut().zip(shares(&sizes, count)) {
        ranks.sort();
        chosen.extend(ranks.iter().take(share).map(|(_, index)| *index));
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|index| all[index].clone()).collect()
}

fn rank(mutant: &Mutant, seed: u64) -> Vec<u8> {
    let name = &mutant.name;
    let words = format!(
        "{seed}\n{}\n{}\n{}\n{}",
        name.file, name.from, name.to, mutant.twin
    );
    Sha256::digest(words.as_bytes()).to_vec()
}

/// `count` divided in proportion, by the largest remainder.
fn shares(sizes: &[usize], count: usize) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    let count = count.min(total);
    if total == 0 {
        return Vec::new();
    }
    let mut shares: Vec<usize> = sizes.iter().map(|s| s * count / total).collect();
    let mut by_rest: Vec<usize> = (0..sizes.len()).collect();
    by_rest.sort_by_key(|i| (std::cmp::Reverse(sizes[*i] * count % total), *i));
    let left = count - shares.iter().sum::<usize>();
    for i in by_rest.into_iter().take(left) {
        shares[i] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strength::edits::Change;
    use crate::strength::mutant::Name;

    fn mutants(block: &str, count: usize) -> Vec<Mutant> {
        let mutant = |twin| Mutant {
            name: Name {
                file: format!("{block}/m.sv"),
                from: "a".to_owned(),
                to: "b".to_owned(),
            },
            twin,
            operator: "logic",
            source: 0,
            range: 0..1,
            change: Change::Dropped,
            line: 1,
        };
        (0..count).map(mutant).collect()
    }

    #[test]
    fn shares_are_in_proportion_and_whole() {
        assert_eq!(shares(&[60, 30, 10], 10), [6, 3, 1]);
        assert_eq!(shares(&[5, 5, 5], 5).iter().sum::<usize>(), 5);
        assert_eq!(shares(&[1, 2], 100), [1, 2]);
        assert_eq!(shares(&[], 3), Vec::<usize>::new());
    }

    #[test]
    fn a_seed_chooses_and_a_grown_design_keeps_most_of_the_choice() {
        let mut all = mutants("a", 80);
        all.extend(mutants("b", 20));
        let first = sample(&all, 10, 1);
        assert_eq!(first, sample(&all, 10, 1));
        assert_ne!(first, sample(&all, 10, 2));
        assert_eq!(first.iter().filter(|m| m.block() == "a").count(), 8);
        let mut grown = mutants("a", 84);
        grown.extend(mutants("b", 21));
        let then = sample(&grown, 10, 1);
        assert!(first.iter().filter(|m| then.contains(m)).count() >= 8);
    }
}
