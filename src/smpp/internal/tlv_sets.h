// Which TLVs the specifications allow on which PDU: the union of 3.4 §4 and 5.0 §4, each set ordered by tag.
#pragma once

#include <array>

#include "smpp/tlv.h"

namespace smppd::smpp::table {

using Tag = TlvTag;

inline constexpr auto kBindRespTlvs = std::to_array<Tag>({Tag::sc_interface_version, Tag::congestion_state});

inline constexpr auto kAlertTlvs = std::to_array<Tag>({Tag::ms_availability_status});

// submit_sm, submit_multi; number_of_messages, qos_time_to_live and the like are data_sm's in 3.4 and here in 5.0.
inline constexpr auto kSubmitTlvs = std::to_array<Tag>({
    Tag::dest_addr_subunit,
    Tag::dest_network_type,
    Tag::dest_bearer_type,
    Tag::dest_telematics_id,
    Tag::source_addr_subunit,
    Tag::source_network_type,
    Tag::source_bearer_type,
    Tag::source_telematics_id,
    Tag::qos_time_to_live,
    Tag::payload_type,
    Tag::ms_msg_wait_facilities,
    Tag::privacy_indicator,
    Tag::source_subaddress,
    Tag::dest_subaddress,
    Tag::user_message_reference,
    Tag::user_response_code,
    Tag::source_port,
    Tag::destination_port,
    Tag::sar_msg_ref_num,
    Tag::language_indicator,
    Tag::sar_total_segments,
    Tag::sar_segment_seqnum,
    Tag::callback_num_pres_ind,
    Tag::callback_num_atag,
    Tag::number_of_messages,
    Tag::callback_num,
    Tag::set_dpf,
    Tag::message_payload,
    Tag::more_messages_to_send,
    Tag::ussd_service_op,
    Tag::billing_identification,
    Tag::source_network_id,
    Tag::dest_network_id,
    Tag::source_node_id,
    Tag::dest_node_id,
    Tag::dest_addr_np_resolution,
    Tag::dest_addr_np_information,
    Tag::dest_addr_np_country,
    Tag::display_time,
    Tag::sms_signal,
    Tag::ms_validity,
    Tag::alert_on_message_delivery,
    Tag::its_reply_type,
    Tag::its_session_info,
});

inline constexpr auto kDeliverTlvs = std::to_array<Tag>({
    Tag::dest_addr_subunit,    Tag::dest_network_type,      Tag::source_addr_subunit,     Tag::source_network_type,
    Tag::payload_type,         Tag::receipted_message_id,   Tag::privacy_indicator,       Tag::source_subaddress,
    Tag::dest_subaddress,      Tag::user_message_reference, Tag::user_response_code,      Tag::source_port,
    Tag::destination_port,     Tag::sar_msg_ref_num,        Tag::language_indicator,      Tag::sar_total_segments,
    Tag::sar_segment_seqnum,   Tag::callback_num_pres_ind,  Tag::callback_num_atag,       Tag::callback_num,
    Tag::dpf_result,           Tag::network_error_code,     Tag::message_payload,         Tag::delivery_failure_reason,
    Tag::message_state,        Tag::ussd_service_op,        Tag::source_network_id,       Tag::dest_network_id,
    Tag::source_node_id,       Tag::dest_node_id,           Tag::dest_addr_np_resolution, Tag::dest_addr_np_information,
    Tag::dest_addr_np_country, Tag::its_reply_type,         Tag::its_session_info,
});

// data_sm travels both ways: what a submission may carry and what a report may.
inline constexpr auto kDataTlvs = std::to_array<Tag>({
    Tag::dest_addr_subunit,
    Tag::dest_network_type,
    Tag::dest_bearer_type,
    Tag::dest_telematics_id,
    Tag::source_addr_subunit,
    Tag::source_network_type,
    Tag::source_bearer_type,
    Tag::source_telematics_id,
    Tag::qos_time_to_live,
    Tag::payload_type,
    Tag::receipted_message_id,
    Tag::ms_msg_wait_facilities,
    Tag::privacy_indicator,
    Tag::source_subaddress,
    Tag::dest_subaddress,
    Tag::user_message_reference,
    Tag::user_response_code,
    Tag::source_port,
    Tag::destination_port,
    Tag::sar_msg_ref_num,
    Tag::language_indicator,
    Tag::sar_total_segments,
    Tag::sar_segment_seqnum,
    Tag::callback_num_pres_ind,
    Tag::callback_num_atag,
    Tag::number_of_messages,
    Tag::callback_num,
    Tag::set_dpf,
    Tag::network_error_code,
    Tag::message_payload,
    Tag::delivery_failure_reason,
    Tag::more_messages_to_send,
    Tag::message_state,
    Tag::ussd_service_op,
    Tag::billing_identification,
    Tag::source_network_id,
    Tag::dest_network_id,
    Tag::source_node_id,
    Tag::dest_node_id,
    Tag::dest_addr_np_resolution,
    Tag::dest_addr_np_information,
    Tag::dest_addr_np_country,
    Tag::display_time,
    Tag::sms_signal,
    Tag::ms_validity,
    Tag::alert_on_message_delivery,
    Tag::its_reply_type,
    Tag::its_session_info,
});

inline constexpr auto kMessageRespTlvs = std::to_array<Tag>({
    Tag::additional_status_info_text,
    Tag::dpf_result,
    Tag::network_error_code,
    Tag::delivery_failure_reason,
    Tag::congestion_state,
});

inline constexpr auto kReplaceTlvs = std::to_array<Tag>({Tag::message_payload});

inline constexpr auto kBroadcastTlvs = std::to_array<Tag>({
    Tag::dest_addr_subunit,
    Tag::source_addr_subunit,
    Tag::payload_type,
    Tag::privacy_indicator,
    Tag::source_subaddress,
    Tag::dest_subaddress,
    Tag::user_message_reference,
    Tag::source_port,
    Tag::destination_port,
    Tag::language_indicator,
    Tag::callback_num_pres_ind,
    Tag::callback_num_atag,
    Tag::callback_num,
    Tag::message_payload,
    Tag::broadcast_channel_indicator,
    Tag::broadcast_content_type,
    Tag::broadcast_content_type_info,
    Tag::broadcast_message_class,
    Tag::broadcast_rep_num,
    Tag::broadcast_frequency_interval,
    Tag::broadcast_area_identifier,
    Tag::broadcast_service_group,
    Tag::display_time,
    Tag::sms_signal,
    Tag::ms_validity,
    Tag::alert_on_message_delivery,
});

inline constexpr auto kBroadcastRespTlvs = std::to_array<Tag>({
    Tag::congestion_state,
    Tag::broadcast_area_identifier,
    Tag::broadcast_error_status,
});

inline constexpr auto kReferenceTlvs = std::to_array<Tag>({Tag::user_message_reference});

inline constexpr auto kQueryBroadcastRespTlvs = std::to_array<Tag>({
    Tag::user_message_reference,
    Tag::message_state,
    Tag::congestion_state,
    Tag::broadcast_area_identifier,
    Tag::broadcast_area_success,
    Tag::broadcast_end_time,
});

inline constexpr auto kCancelBroadcastTlvs =
    std::to_array<Tag>({Tag::user_message_reference, Tag::broadcast_content_type});

}  // namespace smppd::smpp::table
