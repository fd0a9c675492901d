// The protocol's names, each written once; values.h, tlv.h and pdu_table.h expand them into enums and tables.
#pragma once

// X(name, value, first version that has it). SMPP 3.3 §6.3, 3.4 §5.1.3, 5.0 §4.7.6.
#define SMPPD_SMPP_STATUSES(X)                 \
  X(ESME_ROK, 0x00000000, v33)                 \
  X(ESME_RINVMSGLEN, 0x00000001, v33)          \
  X(ESME_RINVCMDLEN, 0x00000002, v33)          \
  X(ESME_RINVCMDID, 0x00000003, v33)           \
  X(ESME_RINVBNDSTS, 0x00000004, v33)          \
  X(ESME_RALYBND, 0x00000005, v33)             \
  X(ESME_RINVPRTFLG, 0x00000006, v33)          \
  X(ESME_RINVREGDLVFLG, 0x00000007, v33)       \
  X(ESME_RSYSERR, 0x00000008, v33)             \
  X(ESME_RINVSRCADR, 0x0000000A, v33)          \
  X(ESME_RINVDSTADR, 0x0000000B, v33)          \
  X(ESME_RINVMSGID, 0x0000000C, v33)           \
  X(ESME_RBINDFAIL, 0x0000000D, v33)           \
  X(ESME_RINVPASWD, 0x0000000E, v33)           \
  X(ESME_RINVSYSID, 0x0000000F, v33)           \
  X(ESME_RCANCELFAIL, 0x00000011, v33)         \
  X(ESME_RREPLACEFAIL, 0x00000013, v33)        \
  X(ESME_RMSGQFUL, 0x00000014, v33)            \
  X(ESME_RINVSERTYP, 0x00000015, v33)          \
  X(ESME_RINVNUMDESTS, 0x00000033, v33)        \
  X(ESME_RINVDLNAME, 0x00000034, v33)          \
  X(ESME_RINVDESTFLAG, 0x00000040, v33)        \
  X(ESME_RINVSUBREP, 0x00000042, v33)          \
  X(ESME_RINVESMCLASS, 0x00000043, v33)        \
  X(ESME_RCNTSUBDL, 0x00000044, v33)           \
  X(ESME_RSUBMITFAIL, 0x00000045, v33)         \
  X(ESME_RINVSRCTON, 0x00000048, v33)          \
  X(ESME_RINVSRCNPI, 0x00000049, v33)          \
  X(ESME_RINVDSTTON, 0x00000050, v33)          \
  X(ESME_RINVDSTNPI, 0x00000051, v33)          \
  X(ESME_RINVSYSTYP, 0x00000053, v33)          \
  X(ESME_RINVREPFLAG, 0x00000054, v33)         \
  X(ESME_RINVNUMMSGS, 0x00000055, v33)         \
  X(ESME_RTHROTTLED, 0x00000058, v33)          \
  X(ESME_RINVSCHED, 0x00000061, v34)           \
  X(ESME_RINVEXPIRY, 0x00000062, v34)          \
  X(ESME_RINVDFTMSGID, 0x00000063, v34)        \
  X(ESME_RX_T_APPN, 0x00000064, v34)           \
  X(ESME_RX_P_APPN, 0x00000065, v34)           \
  X(ESME_RX_R_APPN, 0x00000066, v34)           \
  X(ESME_RQUERYFAIL, 0x00000067, v34)          \
  X(ESME_RINVOPTPARSTREAM, 0x000000C0, v34)    \
  X(ESME_ROPTPARNOTALLWD, 0x000000C1, v34)     \
  X(ESME_RINVPARLEN, 0x000000C2, v34)          \
  X(ESME_RMISSINGOPTPARAM, 0x000000C3, v34)    \
  X(ESME_RINVOPTPARAMVAL, 0x000000C4, v34)     \
  X(ESME_RDELIVERYFAILURE, 0x000000FE, v34)    \
  X(ESME_RUNKNOWNERR, 0x000000FF, v34)         \
  X(ESME_RSERTYPUNAUTH, 0x00000100, v50)       \
  X(ESME_RPROHIBITED, 0x00000101, v50)         \
  X(ESME_RSERTYPUNAVAIL, 0x00000102, v50)      \
  X(ESME_RSERTYPDENIED, 0x00000103, v50)       \
  X(ESME_RINVDCS, 0x00000104, v50)             \
  X(ESME_RINVSRCADDRSUBUNIT, 0x00000105, v50)  \
  X(ESME_RINVDSTADDRSUBUNIT, 0x00000106, v50)  \
  X(ESME_RINVBCASTFREQINT, 0x00000107, v50)    \
  X(ESME_RINVBCASTALIAS_NAME, 0x00000108, v50) \
  X(ESME_RINVBCASTAREAFMT, 0x00000109, v50)    \
  X(ESME_RINVNUMBCAST_AREAS, 0x0000010A, v50)  \
  X(ESME_RINVBCASTCNTTYPE, 0x0000010B, v50)    \
  X(ESME_RINVBCASTMSGCLASS, 0x0000010C, v50)   \
  X(ESME_RBCASTFAIL, 0x0000010D, v50)          \
  X(ESME_RBCASTQUERYFAIL, 0x0000010E, v50)     \
  X(ESME_RBCASTCANCELFAIL, 0x0000010F, v50)    \
  X(ESME_RINVBCAST_REP, 0x00000110, v50)       \
  X(ESME_RINVBCASTSRVGRP, 0x00000111, v50)     \
  X(ESME_RINVBCASTCHANIND, 0x00000112, v50)

// X(name, tag, type, minimum octets, maximum octets, first version). SMPP 3.4 §5.3.2, 5.0 §4.8.4.
// Where 3.4 and 5.0 give different lengths, the wider range stands.
#define SMPPD_SMPP_TLVS(X)                                     \
  X(dest_addr_subunit, 0x0005, u8, 1, 1, v34)                  \
  X(dest_network_type, 0x0006, u8, 1, 1, v34)                  \
  X(dest_bearer_type, 0x0007, u8, 1, 1, v34)                   \
  X(dest_telematics_id, 0x0008, u16, 2, 2, v34)                \
  X(source_addr_subunit, 0x000D, u8, 1, 1, v34)                \
  X(source_network_type, 0x000E, u8, 1, 1, v34)                \
  X(source_bearer_type, 0x000F, u8, 1, 1, v34)                 \
  X(source_telematics_id, 0x0010, u8, 1, 2, v34)               \
  X(qos_time_to_live, 0x0017, u32, 4, 4, v34)                  \
  X(payload_type, 0x0019, u8, 1, 1, v34)                       \
  X(additional_status_info_text, 0x001D, cstring, 1, 256, v34) \
  X(receipted_message_id, 0x001E, cstring, 1, 65, v34)         \
  X(ms_msg_wait_facilities, 0x0030, u8, 1, 1, v34)             \
  X(privacy_indicator, 0x0201, u8, 1, 1, v34)                  \
  X(source_subaddress, 0x0202, octets, 2, 23, v34)             \
  X(dest_subaddress, 0x0203, octets, 2, 23, v34)               \
  X(user_message_reference, 0x0204, u16, 2, 2, v34)            \
  X(user_response_code, 0x0205, u8, 1, 1, v34)                 \
  X(source_port, 0x020A, u16, 2, 2, v34)                       \
  X(destination_port, 0x020B, u16, 2, 2, v34)                  \
  X(sar_msg_ref_num, 0x020C, u16, 2, 2, v34)                   \
  X(language_indicator, 0x020D, u8, 1, 1, v34)                 \
  X(sar_total_segments, 0x020E, u8, 1, 1, v34)                 \
  X(sar_segment_seqnum, 0x020F, u8, 1, 1, v34)                 \
  X(sc_interface_version, 0x0210, u8, 1, 1, v34)               \
  X(callback_num_pres_ind, 0x0302, u8, 1, 1, v34)              \
  X(callback_num_atag, 0x0303, octets, 0, 65, v34)             \
  X(number_of_messages, 0x0304, u8, 1, 1, v34)                 \
  X(callback_num, 0x0381, octets, 4, 19, v34)                  \
  X(dpf_result, 0x0420, u8, 1, 1, v34)                         \
  X(set_dpf, 0x0421, u8, 1, 1, v34)                            \
  X(ms_availability_status, 0x0422, u8, 1, 1, v34)             \
  X(network_error_code, 0x0423, octets, 3, 3, v34)             \
  X(message_payload, 0x0424, octets, 0, 65535, v34)            \
  X(delivery_failure_reason, 0x0425, u8, 1, 1, v34)            \
  X(more_messages_to_send, 0x0426, u8, 1, 1, v34)              \
  X(message_state, 0x0427, u8, 1, 1, v34)                      \
  X(congestion_state, 0x0428, u8, 1, 1, v50)                   \
  X(ussd_service_op, 0x0501, octets, 1, 1, v34)                \
  X(broadcast_channel_indicator, 0x0600, u8, 1, 1, v50)        \
  X(broadcast_content_type, 0x0601, octets, 3, 3, v50)         \
  X(broadcast_content_type_info, 0x0602, octets, 0, 255, v50)  \
  X(broadcast_message_class, 0x0603, u8, 1, 1, v50)            \
  X(broadcast_rep_num, 0x0604, u16, 2, 2, v50)                 \
  X(broadcast_frequency_interval, 0x0605, octets, 3, 3, v50)   \
  X(broadcast_area_identifier, 0x0606, octets, 1, 65535, v50)  \
  X(broadcast_error_status, 0x0607, u32, 4, 4, v50)            \
  X(broadcast_area_success, 0x0608, u8, 1, 1, v50)             \
  X(broadcast_end_time, 0x0609, cstring, 1, 17, v50)           \
  X(broadcast_service_group, 0x060A, octets, 1, 255, v50)      \
  X(billing_identification, 0x060B, octets, 0, 1024, v50)      \
  X(source_network_id, 0x060D, cstring, 7, 66, v50)            \
  X(dest_network_id, 0x060E, cstring, 7, 66, v50)              \
  X(source_node_id, 0x060F, octets, 6, 6, v50)                 \
  X(dest_node_id, 0x0610, octets, 6, 6, v50)                   \
  X(dest_addr_np_resolution, 0x0611, u8, 1, 1, v50)            \
  X(dest_addr_np_information, 0x0612, octets, 0, 10, v50)      \
  X(dest_addr_np_country, 0x0613, octets, 1, 5, v50)           \
  X(display_time, 0x1201, u8, 1, 1, v34)                       \
  X(sms_signal, 0x1203, u16, 2, 2, v34)                        \
  X(ms_validity, 0x1204, octets, 1, 4, v34)                    \
  X(alert_on_message_delivery, 0x130C, octets, 0, 1, v34)      \
  X(its_reply_type, 0x1380, u8, 1, 1, v34)                     \
  X(its_session_info, 0x1383, octets, 2, 2, v34)

// X(name). Every field of every PDU body.
#define SMPPD_SMPP_FIELDS(X) \
  X(service_type)            \
  X(source_addr_ton)         \
  X(source_addr_npi)         \
  X(source_addr)             \
  X(dest_addr_ton)           \
  X(dest_addr_npi)           \
  X(destination_addr)        \
  X(esm_class)               \
  X(protocol_id)             \
  X(priority_flag)           \
  X(schedule_delivery_time)  \
  X(validity_period)         \
  X(registered_delivery)     \
  X(replace_if_present_flag) \
  X(data_coding)             \
  X(sm_default_msg_id)       \
  X(sm_length)               \
  X(short_message)           \
  X(message_id)              \
  X(number_of_dests)         \
  X(dest_address)            \
  X(no_unsuccess)            \
  X(unsuccess_sme)           \
  X(system_id)               \
  X(password)                \
  X(system_type)             \
  X(interface_version)       \
  X(addr_ton)                \
  X(addr_npi)                \
  X(address_range)           \
  X(final_date)              \
  X(message_state)           \
  X(error_code)              \
  X(esme_addr_ton)           \
  X(esme_addr_npi)           \
  X(esme_addr)               \
  X(num_msgs)                \
  X(message_ids)             \
  X(param_name)              \
  X(param_value)
