// gosmpp as a peer; ../README.md has the protocol. The library is a client only.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/linxGnu/gosmpp"
	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

const answerTimeout = 15 * time.Second

type record map[string]interface{}

type command struct {
	Do                 string
	Call               int
	Kind               string
	SystemID           string `json:"system_id"`
	Password           string
	SystemType         string `json:"system_type"`
	Source             string
	Destination        string
	Text               string
	Encoding           string
	Hex                *string
	DataCoding         byte `json:"data_coding"`
	EsmClass           byte `json:"esm_class"`
	RegisteredDelivery byte `json:"registered_delivery"`
	Payload            bool
	MessageID          string `json:"message_id"`
}

var output sync.Mutex

func say(r record) {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(line))
}

// raw is an encoding that carries octets as they are under any data_coding.
func raw(coding byte) data.Encoding { return data.NewCustomEncoding(coding, octets{}) }

type octets struct{}

func (octets) Encode(text string) ([]byte, error)   { return []byte(text), nil }
func (octets) Decode(content []byte) (string, error) { return string(content), nil }

var encodings = map[string]data.Encoding{"gsm": data.GSM7BIT, "latin1": data.LATIN1, "ucs2": data.UCS2}

type peer struct {
	address string
	session *gosmpp.Session
	mutex   sync.Mutex
	waiting map[int32]chan pdu.PDU
}

func (p *peer) received(one pdu.PDU, _ bool) {
	if deliver, is := one.(*pdu.DeliverSM); is {
		say(describe(deliver))
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if waiter, found := p.waiting[one.GetSequenceNumber()]; found {
		waiter <- one
		delete(p.waiting, one.GetSequenceNumber())
	}
}

func describe(deliver *pdu.DeliverSM) record {
	content, _ := deliver.Message.GetMessageData()
	if header := deliver.Message.UDH(); header.UDHL() > 0 {
		octets, _ := header.MarshalBinary()
		content = append(octets, content...)
	}
	if payload, found := deliver.OptionalParameters[pdu.TagMessagePayload]; found {
		content = payload.Data
	}
	coding := byte(0)
	if encoding := deliver.Message.Encoding(); encoding != nil {
		coding = encoding.DataCoding()
	}
	r := record{
		"event": "deliver_sm", "source": deliver.SourceAddr.Address(), "destination": deliver.DestAddr.Address(),
		"esm_class": deliver.EsmClass, "data_coding": coding, "registered_delivery": deliver.RegisteredDelivery,
		"hex": hex.EncodeToString(content),
	}
	if id, found := deliver.OptionalParameters[pdu.TagReceiptedMessageID]; found {
		r["receipted_message_id"] = id.String()
	}
	if state, found := deliver.OptionalParameters[pdu.TagMessageStateOption]; found && len(state.Data) == 1 {
		r["message_state"] = state.Data[0]
	}
	return r
}

func (p *peer) ask(request pdu.PDU) (pdu.PDU, error) {
	if p.session == nil {
		return nil, errors.New("not bound")
	}
	waiter := make(chan pdu.PDU, 1)
	p.mutex.Lock()
	p.waiting[request.GetSequenceNumber()] = waiter
	p.mutex.Unlock()
	if err := p.session.Transceiver().Submit(request); err != nil {
		return nil, err
	}
	select {
	case answer := <-waiter:
		return answer, nil
	case <-time.After(answerTimeout):
		return nil, errors.New("no response in time")
	}
}

func (p *peer) bind(c command) (record, error) {
	auth := gosmpp.Auth{SMSC: p.address, SystemID: c.SystemID, Password: c.Password, SystemType: c.SystemType}
	dialer := func(address string) (net.Conn, error) { return net.DialTimeout("tcp", address, answerTimeout) }
	connector := map[string]func() gosmpp.Connector{
		"tx":  func() gosmpp.Connector { return gosmpp.TXConnector(dialer, auth) },
		"rx":  func() gosmpp.Connector { return gosmpp.RXConnector(dialer, auth) },
		"trx": func() gosmpp.Connector { return gosmpp.TRXConnector(dialer, auth) },
	}[c.Kind]()
	session, err := gosmpp.NewSession(connector, gosmpp.Settings{
		ReadTimeout: time.Minute,
		OnPDU:       p.received,
		OnClosed:    func(gosmpp.State) { say(record{"event": "closed"}) },
	}, -1)
	var refused gosmpp.BindError
	if errors.As(err, &refused) {
		return record{"status": refused.CommandStatus}, nil
	}
	if err != nil {
		return nil, err
	}
	p.session = session
	return record{"status": 0, "system_id": session.Transceiver().SystemID()}, nil
}

func addresses(c command) (source, destination pdu.Address, err error) {
	if source, err = pdu.NewAddressWithTonNpiAddr(1, 1, c.Source); err != nil {
		return
	}
	destination, err = pdu.NewAddressWithTonNpiAddr(1, 1, c.Destination)
	return
}

func newSubmit(c command) (*pdu.SubmitSM, error) {
	submit := pdu.NewSubmitSM().(*pdu.SubmitSM)
	var err error
	if submit.SourceAddr, submit.DestAddr, err = addresses(c); err != nil {
		return nil, err
	}
	submit.EsmClass = c.EsmClass
	submit.RegisteredDelivery = c.RegisteredDelivery
	return submit, nil
}

func (p *peer) submit(c command) (record, error) {
	submit, err := newSubmit(c)
	if err != nil {
		return nil, err
	}
	if c.Hex == nil {
		err = submit.Message.SetMessageWithEncoding(c.Text, encodings[c.Encoding])
	} else {
		var content []byte
		if content, err = hex.DecodeString(*c.Hex); err != nil {
			return nil, err
		}
		inside := content
		if c.Payload {
			inside = nil
			submit.RegisterOptionalParam(pdu.Field{Tag: pdu.TagMessagePayload, Data: content})
		}
		err = submit.Message.SetMessageDataWithEncoding(inside, raw(c.DataCoding))
	}
	if err != nil {
		return nil, err
	}
	return p.submitted(submit)
}

func (p *peer) submitted(submit *pdu.SubmitSM) (record, error) {
	answer, err := p.ask(submit)
	if err != nil {
		return nil, err
	}
	r := record{"status": answer.GetHeader().CommandStatus}
	if response, is := answer.(*pdu.SubmitSMResp); is {
		r["message_id"] = response.MessageID
	}
	return r, nil
}

func (p *peer) submitLong(c command) (record, error) {
	whole, err := newSubmit(c)
	if err != nil {
		return nil, err
	}
	messages, err := pdu.NewLongMessageWithEncoding(c.Text, encodings[c.Encoding])
	if err != nil {
		return nil, err
	}
	status, ids := interface{}(0), []interface{}{}
	for _, message := range messages {
		part := *whole
		part.AssignSequenceNumber()
		part.EsmClass |= data.SM_UDH_GSM
		part.Message = *message
		answer, err := p.submitted(&part)
		if err != nil {
			return nil, err
		}
		if answer["status"] != data.ESME_ROK {
			status = answer["status"]
		}
		ids = append(ids, answer["message_id"])
	}
	return record{"status": status, "message_ids": ids}, nil
}

func (p *peer) dataSM(c command) (record, error) {
	request := pdu.NewDataSM().(*pdu.DataSM)
	content, err := hex.DecodeString(*c.Hex)
	if err == nil {
		request.SourceAddr, request.DestAddr, err = addresses(c)
	}
	if err != nil {
		return nil, err
	}
	request.DataCoding = c.DataCoding
	request.RegisteredDelivery = c.RegisteredDelivery
	request.RegisterOptionalParam(pdu.Field{Tag: pdu.TagMessagePayload, Data: content})
	answer, err := p.ask(request)
	if err != nil {
		return nil, err
	}
	r := record{"status": answer.GetHeader().CommandStatus}
	if response, is := answer.(*pdu.DataSMResp); is {
		r["message_id"] = response.MessageID
	}
	return r, nil
}

func (p *peer) query(c command) (record, error) {
	request := pdu.NewQuerySM().(*pdu.QuerySM)
	request.AssignSequenceNumber()
	request.MessageID = c.MessageID
	var err error
	if request.SourceAddr, err = pdu.NewAddressWithTonNpiAddr(1, 1, c.Source); err != nil {
		return nil, err
	}
	answer, err := p.ask(request)
	if err != nil {
		return nil, err
	}
	r := record{"status": answer.GetHeader().CommandStatus}
	if response, is := answer.(*pdu.QuerySMResp); is {
		r["message_state"] = response.MessageState
	}
	return r, nil
}

func (p *peer) status(request pdu.PDU) (record, error) {
	answer, err := p.ask(request)
	if err != nil {
		return nil, err
	}
	return record{"status": answer.GetHeader().CommandStatus}, nil
}

func (p *peer) do(c command) (record, error) {
	switch c.Do {
	case "bind":
		return p.bind(c)
	case "submit":
		return p.submit(c)
	case "submit_long":
		return p.submitLong(c)
	case "data_sm":
		return p.dataSM(c)
	case "query":
		return p.query(c)
	case "enquire_link":
		return p.status(pdu.NewEnquireLink())
	case "unbind":
		return p.status(pdu.NewUnbind())
	}
	return nil, fmt.Errorf("no command %q", c.Do)
}

func main() {
	if len(os.Args) != 4 || os.Args[1] != "client" {
		fmt.Fprintln(os.Stderr, "usage: peer client HOST PORT")
		os.Exit(2)
	}
	p := &peer{address: net.JoinHostPort(os.Args[2], os.Args[3]), waiting: map[int32]chan pdu.PDU{}}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() {
		var c command
		if err := json.Unmarshal(input.Bytes(), &c); err != nil {
			panic(err)
		}
		answer, err := p.do(c)
		if err != nil {
			answer = record{"error": err.Error()}
		}
		answer["call"] = c.Call
		say(answer)
	}
	if p.session != nil {
		_ = p.session.Close() // the connection may be gone already, which is no failure of the test
	}
}
