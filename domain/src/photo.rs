//! Photos as the record knows them: whether the picture has arrived, and how far its smaller copies
//! are.
//!
//! Owns these codes. It must not know how pictures are kept or read.

use crate::coded_value::coded_values;

coded_values! {
    /// Whether a declared photo has arrived.
    PhotoState {
        /// It was declared and is awaited.
        Missing = "missing", "待上传", "Missing";
        /// It has arrived and is kept.
        Ready = "ready", "已上传", "Ready";
    }
}

coded_values! {
    /// How far the smaller copies of a photo are.
    Rendition as "RenditionState" {
        /// The photo has not arrived.
        None = "none", "无", "None";
        /// They are being made.
        Pending = "pending", "生成中", "Pending";
        /// They can be had.
        Ready = "ready", "已生成", "Ready";
        /// The format is kept without smaller copies.
        Unsupported = "unsupported", "格式不支持", "Unsupported";
        /// The picture is damaged; the original is kept.
        Failed = "failed", "图片已损坏", "Failed";
    }
}
