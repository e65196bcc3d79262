//! Finds what a mistyped name may have meant.

/// Returns the known name that is nearest to a mistyped one, if it is near enough to be meant: at most a third of its letters differ.
pub(super) fn nearest<'k>(
    mistyped: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    let (distance, name) = known
        .into_iter()
        .map(|name| (distance(mistyped, name), name))
        .min()?;
    (distance <= mistyped.len().max(3) / 3).then_some(name)
}

/// Returns how many letters must be added, left out, replaced or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, wanted) in other.iter().enumerate() {
            let mut best = (last[column] + usize::from(letter != wanted))
                .min(last[column + 1] + 1)
                .min(this[column] + 1);
            if row > 0 && column > 0 && *letter == other[column - 1] && one[row - 1] == *wanted {
                best = best.min(before_last[column - 1] + 1);
            }
            this.push(best);
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last[other.len()]
}
