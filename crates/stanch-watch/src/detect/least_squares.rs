//! Weighted least squares with a few columns, by the normal equations and Cholesky's decomposition.

/// The normal equations of a regression while rows are added.
pub(crate) struct Normal {
    size: usize,
    /// Lower triangle of XᵀWX, row by row.
    gram: Vec<f64>,
    right: Vec<f64>,
}

impl Normal {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, gram: vec![0.0; size * size], right: vec![0.0; size] }
    }

    pub(crate) fn add(&mut self, row: &[f64], value: f64, weight: f64) {
        for (at, left) in row.iter().enumerate() {
            let scaled = weight * left;
            self.right[at] += scaled * value;
            let line = &mut self.gram[at * self.size..=at * self.size + at];
            line.iter_mut().zip(row).for_each(|(sum, other)| *sum += scaled * other);
        }
    }

    /// Pulls a coefficient towards 0 as strongly as `share` of its own column's weight does.
    pub(crate) fn shrink(&mut self, column: usize, share: f64) {
        self.gram[column * self.size + column] *= 1.0 + share;
    }

    /// The coefficients; a column that the others explain gets 0.
    pub(crate) fn solve(mut self) -> Vec<f64> {
        let size = self.size;
        let mut is_free = vec![false; size];
        for row in 0..size {
            for column in 0..=row {
                let mut sum = self.gram[row * size + column];
                for inner in 0..column {
                    sum -= self.gram[row * size + inner] * self.gram[column * size + inner];
                }
                if row == column {
                    is_free[row] = sum > 1e-9 * self.gram[row * size + row].max(f64::MIN_POSITIVE);
                    self.gram[row * size + row] = if is_free[row] { sum.sqrt() } else { 1.0 };
                } else {
                    let is_used = is_free[column];
                    self.gram[row * size + column] =
                        if is_used { sum / self.gram[column * size + column] } else { 0.0 };
                }
            }
        }
        self.substitute(&is_free)
    }

    fn substitute(mut self, is_free: &[bool]) -> Vec<f64> {
        let size = self.size;
        let value = |sum: f64, row: usize, gram: &[f64]| if is_free[row] { sum / gram[row * size + row] } else { 0.0 };
        for row in 0..size {
            let known: f64 = (0..row).map(|inner| self.gram[row * size + inner] * self.right[inner]).sum();
            self.right[row] = value(self.right[row] - known, row, &self.gram);
        }
        for row in (0..size).rev() {
            let known: f64 = (row + 1..size).map(|below| self.gram[below * size + row] * self.right[below]).sum();
            self.right[row] = value(self.right[row] - known, row, &self.gram);
        }
        self.right
    }
}
