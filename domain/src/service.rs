//! Service accounts: what a key for a dashboard or an integration stands for.
//!
//! Owns what such an account may do by itself. It sees a subtree and never acts on reports; at most
//! it files (a camera, a hotline's system). It must not know keys.

use crate::coded_value::coded_values;
use crate::grid::GridPath;

coded_values! {
    /// What a service account may do within its grid.
    Access as "ServiceAccountAccess" {
        /// Read reports, photos and grids.
        Read = "read", "只读", "Read";
        /// Read, and file reports with photos.
        File = "file", "读取与登记", "Read and file";
    }
}

/// A service account, as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// The grid it is bound to: it sees that grid and all below, and files as its tier.
    pub grid: GridPath,
    /// What it may do there.
    pub access: Access,
}

impl Service {
    /// The grid as which it files for `place`; none where it may not.
    #[must_use]
    pub fn files_for(self, place: GridPath) -> Option<GridPath> {
        (self.access == Access::File && self.grid.covers(place)).then_some(self.grid)
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Service};
    use crate::grid::GridPath;
    use uuid::Uuid;

    #[test]
    fn it_files_within_its_subtree_and_only_if_it_may() {
        let [town, village, group, other] = [1, 2, 3, 4].map(Uuid::from_u128);
        let place = GridPath::group(town, village, group);
        let service = |grid, access| Service { grid, access };
        let files = service(GridPath::village(town, village), Access::File);
        assert_eq!(files.files_for(place), Some(files.grid));
        assert_eq!(files.files_for(GridPath::village(town, other)), None);
        assert_eq!(files.files_for(GridPath::town(town)), None);
        let reads = service(files.grid, Access::Read);
        assert_eq!(reads.files_for(place), None);
    }
}
