//! The fields of the common configuration structure: place, width, who may write.

/// A field.
pub(super) struct Field {
    pub(super) offset: u32,
    pub(super) bytes: u32,
    pub(super) writable: bool,
    pub(super) name: &'static str,
}

const fn field(offset: u32, bytes: u32, writable: bool, name: &'static str) -> Field {
    Field {
        offset,
        bytes,
        writable,
        name,
    }
}

const FIELDS: &[Field] = &[
    field(0x00, 4, true, "device_feature_select"),
    field(0x04, 4, false, "device_feature"),
    field(0x08, 4, true, "driver_feature_select"),
    field(0x0c, 4, true, "driver_feature"),
    field(0x10, 2, true, "config_msix_vector"),
    field(0x12, 2, false, "num_queues"),
    field(0x14, 1, true, "device_status"),
    field(0x15, 1, false, "config_generation"),
    field(0x16, 2, true, "queue_select"),
    field(0x18, 2, true, "queue_size"),
    field(0x1a, 2, true, "queue_msix_vector"),
    field(0x1c, 2, true, "queue_enable"),
    field(0x1e, 2, false, "queue_notify_off"),
    field(0x20, 4, true, "queue_desc low"),
    field(0x24, 4, true, "queue_desc high"),
    field(0x28, 4, true, "queue_driver low"),
    field(0x2c, 4, true, "queue_driver high"),
    field(0x30, 4, true, "queue_device low"),
    field(0x34, 4, true, "queue_device high"),
    field(0x38, 2, false, "queue_notif_config_data"),
    field(0x3a, 2, true, "queue_reset"),
    field(0x3c, 2, false, "admin_queue_index"),
    field(0x3e, 2, false, "admin_queue_num"),
];

/// The field that starts here and is this wide.
pub(super) fn field_at(offset: u32, bytes: u32) -> Option<&'static Field> {
    FIELDS.iter().find(|f| f.offset == offset && f.bytes == bytes)
}
